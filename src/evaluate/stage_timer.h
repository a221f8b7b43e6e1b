// Charges the time of a scope to one stage of an evaluation.
#ifndef KS_EVALUATE_STAGE_TIMER_H_
#define KS_EVALUATE_STAGE_TIMER_H_

#include <chrono>

namespace ks {

// Adds the seconds since its construction to a counter when it goes.
class StageTimer {
 public:
  explicit StageTimer(double& seconds) : seconds_(seconds), begin_(Now()) {}
  ~StageTimer() { seconds_ += std::chrono::duration<double>(Now() - begin_).count(); }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  static std::chrono::steady_clock::time_point Now() { return std::chrono::steady_clock::now(); }
  double& seconds_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace ks

#endif  // KS_EVALUATE_STAGE_TIMER_H_
