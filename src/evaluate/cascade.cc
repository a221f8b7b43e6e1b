#include "evaluate/cascade.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace ks {
namespace {

double CostOfWorkload(const Task& task, const Workload& workload) {
  const Result<Cost> cost = CostOf(task, workload);
  return cost.ok() ? cost->bytes + cost->flops : 0;
}

}  // namespace

Cascade::Cascade(const Task& task, const std::vector<const Workload*>& workloads,
                 double hopeless_below)
    : order_(workloads.size()), hopeless_below_(hopeless_below) {
  std::iota(order_.begin(), order_.end(), size_t{0});
  if (hopeless_below_ <= 0) return;
  std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
    return CostOfWorkload(task, *workloads[a]) < CostOfWorkload(task, *workloads[b]);
  });
}

bool Cascade::IsHopeless(const TimingResult& result) const {
  if (hopeless_below_ <= 0 || result.timings.empty()) return false;
  const size_t untimed = order_.size() - result.timings.size();
  double sum = static_cast<double>(untimed) * std::log(kHopeForUntimed);
  for (const WorkloadTiming& timing : result.timings) sum += std::log(timing.gain.high);
  return sum < static_cast<double>(order_.size()) * std::log(hopeless_below_);
}

void Cascade::Finish(const std::vector<std::string>& bottlenecks, TimingResult& result) const {
  KS_CHECK(bottlenecks.size() == result.timings.size());
  std::vector<size_t> by_task(result.timings.size());
  std::iota(by_task.begin(), by_task.end(), size_t{0});
  std::sort(by_task.begin(), by_task.end(),
            [this](size_t a, size_t b) { return order_[a] < order_[b]; });
  std::vector<WorkloadTiming> timings;
  std::vector<Interval> gains;
  for (const size_t i : by_task) {
    gains.push_back(result.timings[i].gain);
    timings.push_back(std::move(result.timings[i]));
  }
  if (!by_task.empty()) result.bottleneck = bottlenecks[by_task.front()];
  result.timings = std::move(timings);
  const Interval timed = GeometricMean(gains);
  const Interval unknown{timed.low, timed.mid, std::max(timed.high, kHopeForUntimed)};
  gains.resize(order_.size(), unknown);
  result.gain = GeometricMean(gains);
}

}  // namespace ks
