#include "evaluate/torch/module_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kLeastRuns = 3;
constexpr double kNestingShare = 0.01, kNestingNs = 20e3;
constexpr double kSpreads = 3;

const ModuleRun& Shortest(std::span<const ModuleRun> runs) {
  return *std::ranges::min_element(runs, {}, &ModuleRun::wall_ns);
}

double MedianWallNs(std::span<const ModuleRun> runs) {
  std::vector<double> times;
  for (const ModuleRun& run : runs) times.push_back(run.wall_ns);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

}  // namespace

std::optional<Rejected> CheckModuleClock(std::span<const ModuleRun> runs,
                                         std::span<const ModuleRun> empty) {
  if (std::min(runs.size(), empty.size()) < kLeastRuns) return std::nullopt;
  for (const ModuleRun& run : runs) {
    const double claimed = run.inside_ns * run.calls;
    // Negated, so that what is no number is refused.
    if (!(run.inside_ns > 0 && claimed <= run.wall_ns * (1 + kNestingShare) + kNestingNs)) {
      return Rejected{"timer_tampered",
                      fmt::format("it claims {} for {} calls that lasted {}", FormatNs(claimed),
                                  run.calls, FormatNs(run.wall_ns))};
    }
  }
  const ModuleRun& run = Shortest(runs);
  const double least_ns = Shortest(empty).wall_ns;
  const double seen = (run.wall_ns - least_ns) / run.calls;
  const double spread = kSpreads * (MedianWallNs(empty) - least_ns) / run.calls;
  if (run.inside_ns + kClockShare * seen + kClockNs + spread >= seen) return std::nullopt;
  return Rejected{"timer_tampered", fmt::format("it claims {} a call; from outside a call takes {}",
                                                FormatNs(run.inside_ns), FormatNs(seen))};
}

Interval WithinClock(const Interval& gain, std::span<const ModuleRun> rival,
                     std::span<const ModuleRun> candidate, std::span<const ModuleRun> empty) {
  Interval bounded = gain;
  const bool known = std::min({rival.size(), candidate.size(), empty.size()}) > 0;
  const double least = known ? Shortest(rival).wall_ns - MedianWallNs(empty) : 0;
  const double usual = known ? MedianWallNs(rival) - MedianWallNs(empty) : 0;
  const double own = known ? MedianWallNs(candidate) - Shortest(empty).wall_ns : 0;
  const bool tells = least > 0 && own > 0;
  bounded.low = std::min(gain.low, tells ? least / own : 1.0);
  bounded.mid = std::min(gain.mid, tells ? (1 + kClockShare) * usual / own : 1.0);
  bounded.mid = std::max(bounded.mid, bounded.low);
  bounded.high = std::max(bounded.high, bounded.mid);
  return bounded;
}

}  // namespace ks
