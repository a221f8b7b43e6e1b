#include "evaluate/torch/module_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

std::vector<double> InsideOf(std::span<const ModuleRun> runs) {
  std::vector<double> times;
  for (const ModuleRun& run : runs) times.push_back(run.inside_ns);
  return times;
}

double MedianOf(std::vector<double> values) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

struct Estimate {
  double low = 0, mid = 0, high = 0;
};

// The median with the interval of a normal distribution of the same median deviation, wider where
// there are few.
Estimate EstimateOf(const std::vector<double>& values, double confidence) {
  const double mid = MedianOf(values);
  std::vector<double> off;
  for (const double value : values) off.push_back(std::abs(value - mid));
  const auto count = static_cast<double>(values.size());
  // Of a normal distribution: deviation over median deviation, and error of the median over that of
  // the mean.
  constexpr double kDeviation = 1.4826, kMedianError = 1.2533;
  const double quantile = std::sqrt(-2 * std::log((1 - confidence) / 2)) * (1 + 4 / count);
  const double half = quantile * kDeviation * kMedianError * MedianOf(off) / std::sqrt(count);
  return {mid - half, mid, mid + half};
}

}  // namespace

void ChargeExcess(std::span<ModuleRun> runs, std::span<const ModuleRun> empty) {
  if (empty.empty()) return;
  for (double ModuleRun::*const part : {&ModuleRun::ready_ns, &ModuleRun::kept_ns}) {
    const double usual_ns = FigureAt(empty, part, 2);
    for (ModuleRun& run : runs) run.wall_ns += run.calls * std::max(run.*part - usual_ns, 0.0);
  }
}

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
  Interval bounded = gain;
  const size_t pairs = std::min(rival.size(), candidate.size());
  if (pairs < kLeastRuns || empty.empty()) {
    bounded.low = std::min(gain.low, 1.0);
    bounded.mid = std::clamp(gain.mid, bounded.low, 1.0);
    return bounded;
  }
  std::vector<double> saved, unseen;
  for (size_t i = 0; i < pairs; ++i) {
    saved.push_back((rival[i].wall_ns - candidate[i].wall_ns) / candidate[i].calls);
    unseen.push_back(rival[i].inside_ns - candidate[i].inside_ns - saved.back());
  }
  const Estimate seen = EstimateOf(saved, confidence), more = EstimateOf(unseen, confidence);
  const int calls = candidate.front().calls;
  const double least_ns = (WallNsAt(candidate, 4) - WallNsAt(empty, 2)) / calls;
  const double claimed_ns = SummarizeTimes(InsideOf(candidate)).median_ns;
  const double rest = RestNs(candidate) / std::max(RestNs(rival), 1.0);
  // A rival that is slowed from outside is not beaten.
  const double share = rest > 0 && rest < kLeastRest ? rest : 1;
  const auto bound = [&](double saved_ns, double unseen_ns) {
    const double own_ns = std::max(claimed_ns + std::max(unseen_ns, 0.0), least_ns);
    return share * std::max(own_ns + saved_ns, 0.0) / own_ns;
  };
  const double claimed_saved_ns = SummarizeTimes(InsideOf(rival)).median_ns - claimed_ns;
  bounded.low = std::min(gain.low, bound(std::min(seen.low, claimed_saved_ns), more.high));
  bounded.mid = std::min(gain.mid, (1 + kClockShare) * bound(seen.mid, more.mid));
  bounded.mid = std::max(bounded.mid, bounded.low);
  bounded.high = std::max(bounded.high, bounded.mid);
  return bounded;
}

}  // namespace ks
