#include "evaluate/process_judge.h"

#include <utility>

#include "evaluate/check_stage.h"
#include "evaluate/stage_timer.h"
#include "evaluate/time_stage.h"

namespace ks {

Result<CheckResult> ProcessJudge::Check(const CompiledKernel& kernel, uint64_t secret_seed,
                                        StageSeconds& seconds, std::stop_token stop) {
  const StageTimer timer(seconds.check);
  CheckResult result;
  KS_ASSIGN_OR_RETURN(result.fault,
                      RunCheck(task_, kernel, backend_, oracle_, config_, secret_seed, stop));
  return result;
}

Result<TimingResult> ProcessJudge::Compare(const CompiledKernel& rival,
                                           const CompiledKernel& candidate, const TimingPlan& plan,
                                           StageSeconds& seconds, std::stop_token stop) {
  PairTimer pair_timer(task_, backend_, config_, plan, timing_core_);
  std::optional<Result<TimingResult>> result;
  {
    std::unique_lock lease(lease_, std::defer_lock);
    {
      const StageTimer timer(seconds.queue);
      lease.lock();
    }
    const StageTimer timer(seconds.time);
    result.emplace(pair_timer.Run(rival, candidate, stop));
  }
  KS_ASSIGN_OR_RETURN(TimingResult timing, *std::move(result));
  if (!timing.fault && !timing.rival_failed) {
    const StageTimer timer(seconds.check);
    KS_ASSIGN_OR_RETURN(timing.fault, pair_timer.JudgeTimed(oracle_, stop));
  }
  return timing;
}

}  // namespace ks
