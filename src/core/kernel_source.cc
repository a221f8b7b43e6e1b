#include "core/kernel_source.h"

#include <optional>

#include "base/text.h"

namespace ks {
namespace {

// The words after "// ksmith: <keyword>" when `line` is that directive.
std::optional<std::string_view> DirectiveBody(std::string_view line, std::string_view keyword) {
  line = Trim(line);
  if (!line.starts_with("//")) return std::nullopt;
  line = Trim(line.substr(2));
  if (!line.starts_with("ksmith:")) return std::nullopt;
  line = Trim(line.substr(7));
  if (!line.starts_with(keyword)) return std::nullopt;
  line.remove_prefix(keyword.size());
  if (!line.empty() && line.front() != ' ' && line.front() != '\t') return std::nullopt;
  return Trim(line);
}

}  // namespace

BuildDirectives ParseBuildDirectives(std::string_view source) {
  BuildDirectives directives;
  for (std::string_view line : Split(source, '\n')) {
    if (auto body = DirectiveBody(line, "compiler")) directives.compiler = std::string(*body);
    if (auto body = DirectiveBody(line, "flags")) {
      directives.flags.clear();
      for (std::string_view flag : SplitWords(*body)) directives.flags.emplace_back(flag);
    }
  }
  return directives;
}

std::string WithoutBuildDirectives(std::string_view source) {
  std::string out;
  for (std::string_view rest = source; !rest.empty();) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!DirectiveBody(line, "compiler") && !DirectiveBody(line, "flags")) {
      out += line;
      if (end != std::string_view::npos) out += '\n';
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return out;
}

std::string WithBuildDirectives(std::string_view source, const BuildDirectives& directives) {
  return "// ksmith: compiler " + directives.compiler + "\n// ksmith: flags " +
         Join(directives.flags, " ") + "\n" + WithoutBuildDirectives(source);
}

}  // namespace ks
