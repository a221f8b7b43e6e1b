#include "core/launch_plan_text.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxShownBytes = 120;
constexpr size_t kShownBefore = 80;  // of a long line, before the caret

std::string_view LineOf(std::string_view source, int line) {
  for (int number = 1; number < line; ++number) {
    const size_t end = source.find('\n');
    if (end == std::string_view::npos) return {};
    source.remove_prefix(end + 1);
  }
  return source.substr(0, source.find('\n'));
}

}  // namespace

Diagnostic PlanError(std::string_view source, int line, int column, std::string_view what) {
  Diagnostic diagnostic = {"error", line, column, std::string(what)};
  if (line <= 0) return diagnostic;
  std::string_view text = LineOf(source, line);
  size_t caret = static_cast<size_t>(std::max(column, 1) - 1);
  if (text.size() > kMaxShownBytes && caret > kShownBefore) {
    const size_t cut = std::min(caret - kShownBefore, text.size());
    text.remove_prefix(cut);
    caret -= cut;
  }
  text = text.substr(0, kMaxShownBytes);
  std::string shown(text);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = ' ';
  }
  diagnostic.message += "\n  " + shown + "\n  " + std::string(caret, ' ') + "^";
  return diagnostic;
}

Diagnostic PlanErrorAt(std::string_view source, const PlanText& at, size_t skip,
                       std::string_view what) {
  return PlanError(source, at.line, at.column + static_cast<int>(skip), what);
}

}  // namespace ks
