#include "core/kernel_source.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
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
  return std::any_of(std::begin(kPythonBegins), std::end(kPythonBegins),
                     [&](std::string_view begin) { return line.starts_with(begin); });
}

// Whether one of its lines does. Line ends are sought sixteen characters at a time, and only where
// a letter follows that fits is the line looked at.
bool HasPythonLine(std::string_view source) {
  if (LooksLikePython(source)) return true;
  using Bytes = uint8_t __attribute__((vector_size(16)));
  size_t at = 0;
  for (; at + sizeof(Bytes) < source.size(); at += sizeof(Bytes)) {
    Bytes c, next;
    std::memcpy(&c, source.data() + at, sizeof c);
    std::memcpy(&next, source.data() + at + 1, sizeof next);
    const auto fits = (next == 'i') | (next == 'f') | (next == 'd') | (next == '@');
    const auto halves = std::bit_cast<std::array<uint64_t, 2>>((c == '\n') & fits);
    if ((halves[0] | halves[1]) == 0) continue;
    for (size_t i = at; i < at + sizeof(Bytes); ++i) {
      if (source[i] == '\n' && LooksLikePython(source.substr(i + 1))) return true;
    }
  }
  for (; at < source.size(); ++at) {
    if (source[at] == '\n' && LooksLikePython(source.substr(at + 1))) return true;
  }
  return false;
}

}  // namespace

bool MayHaveDirectives(std::string_view source) {
  constexpr std::string_view kWord = "ksmith:";
  for (size_t at = source.find(':'); at != std::string_view::npos; at = source.find(':', at + 1)) {
    if (source.substr(0, at + 1).ends_with(kWord)) return true;
  }
  return false;
}

// Asked about every candidate.
std::string_view CommentMarkerOf(std::string_view source) {
  if (!MayHaveDirectives(source)) return HasPythonLine(source) ? "#" : "//";
  bool python = false;
  for (std::string_view rest = source; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (Directive(line)) return Trim(line).starts_with("#") ? "#" : "//";
    python = python || LooksLikePython(line);
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
