#include "backend/cpu/diagnostics.h"

#include <array>
#include <string>

#include "base/text.h"

namespace ks {
namespace {

// "12:5: error: text" -> 12, the rest after the colon. Zero when there is no number.
int TakeNumber(std::string_view* text) {
  const size_t colon = text->find(':');
  if (colon == std::string_view::npos) return 0;
  const std::optional<int64_t> number = ParseInt(text->substr(0, colon));
  if (!number || *number < 0 || *number > 1'000'000'000) return 0;
  text->remove_prefix(colon + 1);
  return static_cast<int>(*number);
}

std::optional<Diagnostic> ParseLine(std::string_view line, std::string_view source_name) {
  for (const std::string_view severity : {"fatal error", "error", "warning"}) {
    const size_t at = line.find(std::string(severity) + ": ");
    if (at == std::string_view::npos || (at > 0 && line[at - 1] != ' ')) continue;
    Diagnostic diagnostic;
    diagnostic.severity = severity == "warning" ? "warning" : "error";
    diagnostic.message = Shorten(Trim(line.substr(at + severity.size() + 2)), 400);
    std::string_view place = Trim(line.substr(0, at));
    const size_t colon = place.find(':');
    const std::string_view file = place.substr(0, colon);
    if (colon != std::string_view::npos) place.remove_prefix(colon + 1);
    if (file.ends_with(source_name)) {
      diagnostic.line = TakeNumber(&place);
      diagnostic.column = TakeNumber(&place);
    } else if (!file.empty()) {
      diagnostic.message = std::string(file) + ": " + diagnostic.message;
    }
    return diagnostic;
  }
  return std::nullopt;
}

std::optional<Diagnostic> ParseLinkerLine(std::string_view line) {
  for (const std::string_view text :
       {"undefined reference to ", "multiple definition of ", "cannot find -l"}) {
    const size_t at = line.find(text);
    if (at == std::string_view::npos) continue;
    return Diagnostic{"error", 0, 0, Shorten(line.substr(at), 400)};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Diagnostic> ParseDiagnostics(std::string_view log, std::string_view source_name) {
  std::vector<Diagnostic> diagnostics;
  for (const std::string_view line : Split(log, '\n')) {
    if (diagnostics.size() >= kMaxDiagnostics) break;
    std::optional<Diagnostic> diagnostic = ParseLine(line, source_name);
    if (!diagnostic) diagnostic = ParseLinkerLine(line);
    if (diagnostic) diagnostics.push_back(std::move(*diagnostic));
  }
  return diagnostics;
}

std::optional<double> MemoryExhausted(std::string_view log) {
  static constexpr std::array<std::string_view, 5> kSigns = {
      "out of memory allocating ", "virtual memory exhausted", "out of memory",
      "Cannot allocate memory", "std::bad_alloc"};
  for (const std::string_view sign : kSigns) {
    const size_t at = log.find(sign);
    if (at == std::string_view::npos) continue;
    const auto words = SplitWords(log.substr(at + sign.size(), 40));
    return words.empty() ? 0.0 : static_cast<double>(ParseInt(words[0]).value_or(0));
  }
  return std::nullopt;
}

}  // namespace ks
