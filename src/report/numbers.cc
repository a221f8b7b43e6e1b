#include "report/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ks {
namespace {

bool IsNone(const Interval& interval) { return !(interval.mid > 0); }

}  // namespace

std::string FormatRatio(double ratio) {
  if (!std::isfinite(ratio)) return "?";
  return fmt::format("{:.{}f}", ratio, ratio >= 99.95 ? 0 : ratio >= 9.995 ? 1 : 2);
}

std::string FormatGain(double ratio) {
  if (!std::isfinite(ratio)) return "?";
  return ratio < 1.9995 ? fmt::format("{:.3f}", ratio) : FormatRatio(ratio);
}

std::string FormatSpeedup(double ratio) { return FormatRatio(ratio) + "x"; }

std::string FormatSpeedup(const Interval& interval) {
  if (IsNone(interval)) return "-";
  return fmt::format("{}x [{}, {}]", FormatRatio(interval.mid), FormatRatio(interval.low),
                     FormatRatio(interval.high));
}

std::string FormatGain(const Interval& interval) {
  if (IsNone(interval)) return "-";
  return fmt::format("{}x [{}, {}]", FormatGain(interval.mid), FormatGain(interval.low),
                     FormatGain(interval.high));
}

std::string FormatSeconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  seconds = std::max(0.0, seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string FormatPercent(double fraction) {
  if (!std::isfinite(fraction)) return "?";
  const double percent = 100 * fraction;
  return fmt::format("{:.{}f} %", percent, percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : 2);
}

}  // namespace ks
