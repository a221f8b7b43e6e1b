#include "backend/cuda/source_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <variant>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxDiagnostics = 40;

// Spellings of one flag: what a candidate may write, what the compiler gets.
struct PlainFlag {
  std::string_view written, passed;
  bool approximates = false;  // needs a task that tolerates reordered or approximate arithmetic
};
constexpr std::array<PlainFlag, 12> kPlain = {{
    {"--use_fast_math", "--use_fast_math", true},
    {"-use_fast_math", "--use_fast_math", true},
    {"--extra-device-vectorization", "--extra-device-vectorization", false},
    {"-extra-device-vectorization", "--extra-device-vectorization", false},
    {"--restrict", "--restrict", false},
    {"-restrict", "--restrict", false},
    {"--std=c++17", "--std=c++17", false},
    {"-std=c++17", "--std=c++17", false},
    {"--std=c++20", "--std=c++20", false},
    {"-std=c++20", "--std=c++20", false},
    {"-w", "--disable-warnings", false},
    {"--disable-warnings", "--disable-warnings", false},
}};
// "--name=true" or "=false".
constexpr std::array<std::string_view, 4> kSwitches = {"fmad", "ftz", "prec-div", "prec-sqrt"};

bool IsName(std::string_view text) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
         std::all_of(text.begin(), text.end(), is_word);
}

bool IsMacro(std::string_view text) {
  const size_t equals = text.find('=');
  if (!IsName(text.substr(0, equals))) return false;
  if (equals == std::string_view::npos) return true;
  return ParseInt(text.substr(equals + 1)).has_value() || IsName(text.substr(equals + 1));
}

// What the compiler gets; empty: nothing; or why not.
std::variant<std::string, const char*> OneFlag(std::string_view flag, const Task& task) {
  static constexpr const char* kNoTolerance = "this task does not allow reordered arithmetic";
  for (const PlainFlag& plain : kPlain) {
    if (flag != plain.written) continue;
    if (plain.approximates && !task.allow_reassociation) return kNoTolerance;
    return std::string(plain.passed);
  }
  if (flag.size() <= 3 && flag.starts_with("-O") && (flag.size() == 2 || std::isdigit(flag[2]))) {
    return std::string();
  }
  if (flag.starts_with("-D")) {
    if (IsMacro(flag.substr(2))) return std::string(flag);
    return "a macro may only be an integer or a name";
  }
  std::string_view name = flag;
  while (name.starts_with('-') && flag.size() - name.size() < 2) name.remove_prefix(1);
  const size_t equals = std::min(name.find('='), name.size());
  const std::string_view value = name.substr(std::min(equals + 1, name.size()));
  name = name.substr(0, equals);
  if (name == "maxrregcount") {
    const auto count = ParseInt(value);
    if (count && *count >= 16 && *count <= 255) return "--maxrregcount=" + std::string(value);
    return "expected 16 to 255 registers";
  }
  if (std::find(kSwitches.begin(), kSwitches.end(), name) != kSwitches.end()) {
    if (value != "true" && value != "false") return "expected true or false";
    const bool approximate = name != "fmad" && (value == "true") == (name == "ftz");
    if (approximate && !task.allow_reassociation) return kNoTolerance;
    return "--" + std::string(name) + "=" + std::string(value);
  }
  return "not in the list of allowed flags (code generation and integer macros only)";
}

// The place of the error in a line that the log quotes with a caret under it.
int ColumnOf(std::string_view quoted, std::string_view caret_line, std::string_view source,
             int line) {
  for (int number = 1; number < line && !source.empty(); ++number) {
    const size_t end = source.find('\n');
    source.remove_prefix(end == std::string_view::npos ? source.size() : end + 1);
  }
  const std::string_view actual = source.substr(0, source.find('\n'));
  const std::string_view text = Trim(quoted);
  const size_t caret = caret_line.find('^');
  const size_t shown = quoted.find_first_not_of(" \t");
  const size_t begin = actual.find(text);
  if (text.empty() || begin == std::string_view::npos || caret < shown) return 0;
  return static_cast<int>(begin + (caret - shown)) + 1;
}

bool IsCaretLine(std::string_view line) { return Trim(line) == "^"; }

// "kernel.cu(3): error: text", "kernel.cu(3): warning #177-D: text", "ptxas error   : text",
// "nvrtc: error: text".
std::optional<Diagnostic> ParseLine(std::string_view line) {
  for (const std::string_view severity : {"error", "warning"}) {
    const size_t at = line.find(severity);
    if (at == std::string_view::npos || (at > 0 && line[at - 1] != ' ')) continue;
    const size_t colon = line.find(':', at);
    if (colon == std::string_view::npos || colon - at > severity.size() + 16) continue;
    std::string_view place = Trim(line.substr(0, at));
    if (place.ends_with("fatal")) place = Trim(place.substr(0, place.size() - 5));
    if (place.ends_with("catastrophic")) place = Trim(place.substr(0, place.size() - 12));
    Diagnostic diagnostic;
    diagnostic.severity = severity;
    diagnostic.message = Shorten(Trim(line.substr(colon + 1)), 400);
    if (place.ends_with("):")) {
      const size_t open = place.rfind('(');
      const auto number = ParseInt(place.substr(open + 1, place.size() - open - 3));
      const std::string_view file = place.substr(0, open);
      if (file.ends_with("kernel.cu") || file == "kernel.cu") {
        diagnostic.line = static_cast<int>(std::clamp<int64_t>(number.value_or(0), 0, 1 << 30));
      } else {
        diagnostic.message = std::string(file) + ": " + diagnostic.message;
      }
    } else if (place.starts_with("kernel.cu:")) {  // of the host compiler: file:line:column
      const std::vector<std::string_view> parts = Split(place, ':');
      diagnostic.line = static_cast<int>(ParseInt(parts[1]).value_or(0) & 0xffffff);
      if (parts.size() > 2) {
        diagnostic.column = static_cast<int>(ParseInt(parts[2]).value_or(0) & 0xffffff);
      }
    } else if (!place.empty() && place != "nvrtc:" && place != "ptxas") {
      continue;  // a sentence that mentions the word
    }
    return diagnostic;
  }
  return std::nullopt;
}

}  // namespace

std::variant<std::vector<std::string>, Rejected> CudaFlags(const std::vector<std::string>& flags,
                                                           const Task& task) {
  std::vector<std::string> passed;
  for (const std::string& flag : flags) {
    auto one = OneFlag(flag, task);
    if (const auto* why = std::get_if<const char*>(&one)) {
      return Rejected{"flag", Shorten(flag, 80) + ": " + *why};
    }
    if (!std::get<std::string>(one).empty()) passed.push_back(std::get<std::string>(one));
  }
  return passed;
}

std::optional<Rejected> CheckCudaSource(std::string_view source) {
  if (source.find(".incbin") != std::string_view::npos) {
    return Rejected{"incbin", ".incbin would read a file"};
  }
  for (const std::string_view whole : Split(source, '\n')) {
    std::string_view line = Trim(whole);
    if (!line.starts_with('#')) continue;
    line = Trim(line.substr(1));
    if (!line.starts_with("include")) continue;
    line = Trim(line.substr(7));
    if (line.empty() || (line[0] != '"' && line[0] != '<')) continue;
    const std::string_view path = line.substr(1, line.find_first_of("\">", 1) - 1);
    if (path.starts_with('/') || path.find("..") != std::string_view::npos) {
      return Rejected{"include", Shorten(path, 100) +
                                     ": only headers of CUDA by their names, no files of the host"};
    }
  }
  return std::nullopt;
}

std::vector<Diagnostic> ParseCudaDiagnostics(std::string_view log, std::string_view source) {
  std::vector<Diagnostic> diagnostics;
  const std::vector<std::string_view> lines = Split(log, '\n');
  for (size_t i = 0; i < lines.size() && diagnostics.size() < kMaxDiagnostics; ++i) {
    std::optional<Diagnostic> diagnostic = ParseLine(lines[i]);
    if (!diagnostic) continue;
    if (diagnostic->line > 0 && i + 2 < lines.size() && IsCaretLine(lines[i + 2])) {
      diagnostic->column = ColumnOf(lines[i + 1], lines[i + 2], source, diagnostic->line);
    }
    diagnostics.push_back(std::move(*diagnostic));
  }
  return diagnostics;
}

}  // namespace ks
