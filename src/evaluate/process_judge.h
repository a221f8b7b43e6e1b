// The judge of candidates with host code: each in a sandboxed process of its own.
#ifndef KS_EVALUATE_PROCESS_JUDGE_H_
#define KS_EVALUATE_PROCESS_JUDGE_H_

#include <mutex>

#include "core/config.h"
#include "evaluate/judge.h"
#include "evaluate/oracle.h"

namespace ks {

// Thread-safe. Checks run in the callers' threads; a comparison holds the lease of the timing core.
// Task and backend outlive it.
class ProcessJudge final : public Judge {
 public:
  // `timing_core`: the core that timed processes are pinned to; -1: not pinned.
  ProcessJudge(const Task& task, ProcessBackend& backend, const EvaluationConfig& config,
               int timing_core)
      : task_(task),
        backend_(backend),
        config_(config),
        timing_core_(timing_core),
        oracle_(task, backend) {}

  Result<CheckResult> Check(const CompiledKernel& kernel, uint64_t secret_seed,
                            StageSeconds& seconds, std::stop_token stop) override;
  Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& candidate,
                               const TimingPlan& plan, StageSeconds& seconds,
                               std::stop_token stop) override;

 private:
  const Task& task_;
  ProcessBackend& backend_;
  const EvaluationConfig config_;
  const int timing_core_;
  Oracle oracle_;
  std::mutex lease_;  // held while timing: one comparison at a time
};

}  // namespace ks

#endif  // KS_EVALUATE_PROCESS_JUDGE_H_
