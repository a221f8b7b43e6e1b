#include "core/kernel_source.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::string_view kPlanWords[] = {"const", "scratch", "clear", "launch", "and"};

// What follows "// ksmith:" or "# ksmith:" when `line` is a directive.
std::optional<std::string_view> Directive(std::string_view line) {
  line = Trim(line);
  if (line.starts_with("//")) {
    line.remove_prefix(2);
  } else if (line.starts_with("#")) {
    line.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  line = Trim(line);
  if (!line.starts_with("ksmith:")) return std::nullopt;
  return Trim(line.substr(7));
}

// The words after the keyword when `line` is that directive.
std::optional<std::string_view> DirectiveBody(std::string_view line, std::string_view keyword) {
  std::optional<std::string_view> body = Directive(line);
  if (!body || !body->starts_with(keyword)) return std::nullopt;
  body->remove_prefix(keyword.size());
  if (!body->empty() && body->front() != ' ' && body->front() != '\t') return std::nullopt;
  return Trim(*body);
}

constexpr std::string_view kPythonBegins[] = {"import ", "from ", "def ", "@"};

bool LooksLikePython(std::string_view line) {
  for (const std::string_view word : kPythonBegins) {
    if (!line.empty() && line[0] == word[0] && line.starts_with(word)) return true;
  }
  return false;
}

}  // namespace

// Asked about every candidate: without the word that every directive has, most lines are not looked
// at but for their first letter.
std::string_view CommentMarkerOf(std::string_view source) {
  const bool directives = source.find("ksmith:") != std::string_view::npos;
  bool python = false;
  for (std::string_view rest = source; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (directives && Directive(line)) return Trim(line).starts_with("#") ? "#" : "//";
    python = python || LooksLikePython(line);
    if (python && !directives) break;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return python ? "#" : "//";
}

std::string_view SourceEnding(std::string_view backend) {
  if (backend == "cuda") return "cu";
  if (backend == "hip") return "hip";
  if (backend == "opencl") return "cl";
  return backend == "triton" || backend == "torch" ? "py" : "cc";
}

std::string PlanDirectives(std::string_view source) {
  std::string out;
  for (std::string_view line : Split(source, '\n')) {
    for (const std::string_view word : kPlanWords) {
      const std::optional<std::string_view> body = DirectiveBody(line, word);
      if (!body) continue;
      out += word;
      for (std::string_view part : SplitWords(*body)) {
        out += ' ';
        out += part;
      }
      out += '\n';
    }
  }
  return out;
}

BuildDirectives ParseBuildDirectives(std::string_view source) {
  BuildDirectives directives;
  for (std::string_view line : Split(source, '\n')) {
    const auto compiler = DirectiveBody(line, "compiler");
    if (compiler && !compiler->empty()) directives.compiler = std::string(*compiler);
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
  const std::string begin = std::string(CommentMarkerOf(source)) + " ksmith: ";
  std::string out;
  if (!directives.compiler.empty()) out += begin + "compiler " + directives.compiler + "\n";
  out += begin + "flags " + Join(directives.flags, " ") + "\n";
  return out + WithoutBuildDirectives(source);
}

}  // namespace ks
