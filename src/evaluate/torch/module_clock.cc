#include "evaluate/torch/module_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "measure/paired.h"

namespace ks {
namespace {

constexpr size_t kLeastRuns = 3;
constexpr double kNestingShare = 0.01, kNestingNs = 20e3;
constexpr double kSpreads = 3;

constexpr double kRestTimes = 2, kRestNs = 100e3;
constexpr double kLeastRest = 0.9;  // of a ratio that is no noise

const ModuleRun& Shortest(std::span<const ModuleRun> runs) {
  return *std::ranges::min_element(runs, {}, &ModuleRun::wall_ns);
}

// The `part`-th part of the way up a sorted figure: 2 is the median, 4 the lower quartile.
double FigureAt(std::span<const ModuleRun> runs, double ModuleRun::*figure, size_t part) {
  std::vector<double> times;
  for (const ModuleRun& run : runs) times.push_back(run.*figure);
  const auto place = times.begin() + static_cast<std::ptrdiff_t>(times.size() / part);
  std::nth_element(times.begin(), place, times.end());
  return *place;
}

double WallNsAt(std::span<const ModuleRun> runs, size_t part) {
  return FigureAt(runs, &ModuleRun::wall_ns, part);
}

}  // namespace

double RestNs(std::span<const ModuleRun> runs) {
  return runs.empty() ? 0 : FigureAt(runs, &ModuleRun::ready_ns, 4);
}

std::optional<Rejected> CheckModuleRest(std::span<const ModuleRun> runs, double usual_ns) {
  if (runs.size() < kLeastRuns || usual_ns <= 0) return std::nullopt;
  const double rest_ns = RestNs(runs);
  if (rest_ns <= kRestTimes * usual_ns + kRestNs) return std::nullopt;
  return Rejected{
      "timer_tampered",
      fmt::format("getting ready for a call takes {} and not {}: the device is not at rest",
                  FormatNs(rest_ns), FormatNs(usual_ns))};
}

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
  const double spread = kSpreads * (WallNsAt(empty, 2) - least_ns) / run.calls;
  if (run.inside_ns + kClockShare * seen + kClockNs + spread >= seen) return std::nullopt;
  return Rejected{"timer_tampered", fmt::format("it claims {} a call; from outside a call takes {}",
                                                FormatNs(run.inside_ns), FormatNs(seen))};
}

Interval WithinClock(const Interval& gain, std::span<const ModuleRun> rival,
                     std::span<const ModuleRun> candidate, std::span<const ModuleRun> empty,
                     double confidence) {
  std::optional<Interval> seen;
  if (!empty.empty()) {
    const double empty_ns = WallNsAt(empty, 4);  // the interval, too, looks at undisturbed runs
    std::vector<PairedSample> pairs;
    for (size_t i = 0; i < std::min(rival.size(), candidate.size()); ++i) {
      const PairedSample pair = {rival[i].wall_ns - empty_ns, candidate[i].wall_ns - empty_ns};
      if (pair.reference_ns > 0 && pair.candidate_ns > 0) pairs.push_back(pair);
    }
    // Runs that seem shorter than empty ones: the clock cannot tell.
    if (!pairs.empty() && pairs.size() == rival.size()) seen = RatioInterval(pairs, confidence);
  }
  const double rest = RestNs(candidate) / std::max(RestNs(rival), 1.0);
  if (seen && rest > 0 && rest < kLeastRest) {
    seen->low *= rest, seen->mid *= rest, seen->high *= rest;
  }
  Interval bounded = gain;
  bounded.low = std::min(gain.low, seen ? seen->low : 1.0);
  bounded.mid = std::min(gain.mid, seen ? (1 + kClockShare) * seen->mid : 1.0);
  bounded.mid = std::max(bounded.mid, bounded.low);
  bounded.high = std::max(bounded.high, bounded.mid);
  return bounded;
}

}  // namespace ks
