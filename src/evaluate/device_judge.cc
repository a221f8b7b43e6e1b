#include "evaluate/device_judge.h"

#include <utility>

#include "evaluate/device_check.h"
#include "evaluate/device_time.h"
#include "evaluate/stage_timer.h"

namespace ks {

Result<std::optional<Outcome>> DeviceJudge::Check(const CompiledKernel& kernel,
                                                  uint64_t secret_seed, StageSeconds& seconds,
                                                  std::stop_token stop) {
  DeviceChecker checker(task_, backend_, session_, bank_, config_);
  return checker.Run(kernel, secret_seed, seconds, std::move(stop));
}

Result<TimingResult> DeviceJudge::Compare(const CompiledKernel& rival,
                                          const CompiledKernel& candidate, const TimingPlan& plan,
                                          StageSeconds& seconds, std::stop_token stop) {
  ContentMap prepared;
  if (plan.fresh) {
    const StageTimer timer(seconds.time);
    KS_ASSIGN_OR_RETURN(prepared, FillContents(task_, plan.role, plan.secret_seed));
  }
  DevicePairTimer pair_timer(task_, backend_, config_, plan, session_);
  std::optional<Result<TimingResult>> result;
  {
    std::optional<Result<DeviceLease::Holder>> holder;
    {
      const StageTimer timer(seconds.queue);
      holder.emplace(backend_.lease().Acquire(stop));
    }
    if (!holder->ok()) return holder->error();
    const StageTimer timer(seconds.time);
    if (plan.fresh) session_.Renew(plan.secret_seed, std::move(prepared));
    result.emplace(RetriedOnce(session_, [&] { return pair_timer.Run(rival, candidate, stop); }));
  }
  KS_ASSIGN_OR_RETURN(TimingResult timing, *std::move(result));
  const StageTimer timer(seconds.check);
  KS_RETURN_IF_ERROR(pair_timer.JudgeKept(oracle_, timing, stop));
  return timing;
}

}  // namespace ks
