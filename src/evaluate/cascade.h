// Cheap workloads first: a candidate that is far behind on them is not timed on the others.
#ifndef KS_EVALUATE_CASCADE_H_
#define KS_EVALUATE_CASCADE_H_

#include <cstddef>
#include <span>
#include <vector>

#include "evaluate/judge.h"

namespace ks {

// The most that is hoped for of a workload that was not timed: rival / candidate.
inline constexpr double kHopeForUntimed = 1.5;

// Runs over the workloads of one comparison, the cheapest (by the task's count of bytes and
// operations) first. Thread-compatible.
class Cascade {
 public:
  // `hopeless_below`: TimingPlan's.
  Cascade(const Task& task, const std::vector<const Workload*>& workloads, double hopeless_below);

  // Indices into `workloads`, the order of timing. Equal costs: as the task lists them.
  const std::vector<size_t>& order() const { return order_; }
  // After `result.timings` got one more timing, of workload order()[done - 1]: whether the ratio
  // over all workloads must lie below the bar even if every other one were kHopeForUntimed.
  bool IsHopeless(const TimingResult& result) const;
  // Puts timings in the order of the task, and sets the gain. Workloads that were not timed count
  // as an interval from the mean of the others up to kHopeForUntimed. `bottlenecks`: one a timing.
  void Finish(const std::vector<std::string>& bottlenecks, TimingResult& result) const;

 private:
  std::vector<size_t> order_;
  double hopeless_below_ = 0;
};

}  // namespace ks

#endif  // KS_EVALUATE_CASCADE_H_
