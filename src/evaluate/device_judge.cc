#include "evaluate/device_judge.h"

#include <utility>

#include "backend/device/profiled_call.h"
#include "backend/device/program.h"
#include "base/rng.h"
#include "base/text.h"
#include "evaluate/device_check.h"
#include "evaluate/device_time.h"
#include "evaluate/stage_timer.h"
#include "measure/device_roofline.h"
#include "measure/ncu_report.h"

namespace ks {

Result<CheckResult> DeviceJudge::Check(const CompiledKernel& kernel, uint64_t secret_seed,
                                       StageSeconds& seconds, std::stop_token stop) {
  DeviceChecker checker(task_, backend_, session_, bank_, config_);
  CheckResult result;
  KS_ASSIGN_OR_RETURN(result.fault, checker.Run(kernel, secret_seed, seconds, std::move(stop)));
  return result;
}

Result<TimingResult> DeviceJudge::Compare(const CompiledKernel& rival,
                                          const CompiledKernel& candidate, const TimingPlan& plan,
                                          StageSeconds& seconds, std::stop_token stop) {
  ContentMap prepared;
  std::unique_ptr<DeviceRunner> runner;  // after Renew: the one before, ended without the lease
  DevicePairTimer pair_timer(task_, backend_, config_, plan, session_);
  if (plan.fresh) {
    const StageTimer timer(seconds.time);
    KS_ASSIGN_OR_RETURN(prepared, FillContents(task_, plan.role, plan.secret_seed));
    KS_RETURN_IF_ERROR(pair_timer.DrawKept());
    KS_ASSIGN_OR_RETURN(runner, session_.FreshRunner(stop));
  }
  std::optional<Result<TimingResult>> result;
  {
    std::optional<Result<DeviceLease::Holder>> holder;
    {
      const StageTimer timer(seconds.queue);
      holder.emplace(backend_.lease().Acquire(stop));
    }
    if (!holder->ok()) return holder->error();
    const StageTimer timer(seconds.time);
    if (plan.fresh) {
      runner = session_.Renew(plan.secret_seed, std::move(prepared), std::move(runner));
    }
    result.emplace(RetriedOnce(session_, [&] { return pair_timer.Run(rival, candidate, stop); }));
  }
  KS_ASSIGN_OR_RETURN(TimingResult timing, *std::move(result));
  const StageTimer timer(seconds.check);
  KS_RETURN_IF_ERROR(pair_timer.JudgeKept(oracle_, timing, stop));
  return timing;
}

// In a process of its own, for one call: what it takes there counts nowhere.
Result<DeviceProfile> DeviceJudge::Counted(const CompiledKernel& kernel, size_t workload,
                                           std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const DeviceProgram program, ParseProgram(kernel.binary));
  std::vector<std::string> names;
  for (const DeviceKernel& one : program.kernels) {
    names.push_back(one.symbol);
    names.push_back(one.name.substr(0, one.name.find('<')));
  }
  KS_ASSIGN_OR_RETURN(
      const std::vector<Bytes> inputs,
      FillSamples(task_, task_.workloads[workload], SecretSeed(), DeviceSession::kSampleElements));
  KS_ASSIGN_OR_RETURN(const auto holder, backend_.lease().Acquire(stop));
  KS_ASSIGN_OR_RETURN(
      const std::string report,
      backend_.Profile({task_, kernel, workload, inputs, NcuMetricList()}, std::move(stop)));
  KS_ASSIGN_OR_RETURN(const std::vector<NcuLaunch> launches, ParseNcuReport(report, names));
  return ProfileFromCounters(launches);
}

Result<std::optional<DeviceProfile>> DeviceJudge::Profile(const CompiledKernel& kernel,
                                                          const Evaluation& evaluation,
                                                          std::stop_token stop) {
  using Answer = std::optional<DeviceProfile>;
  const Measured* const measured = AsMeasured(evaluation.outcome);
  if (measured == nullptr || measured->timings.empty() || !evaluation.device) return Answer();
  const WorkloadTiming& timing = measured->timings.front();
  for (size_t i = 0; i < task_.workloads.size(); ++i) {
    if (task_.workloads[i].name != timing.workload) continue;
    Result<DeviceProfile> counted = Counted(kernel, i, stop);
    if (counted.ok()) return Answer(*std::move(counted));
    if (counted.error().code == ErrorCode::kCancelled) return counted.error();
    KS_ASSIGN_OR_RETURN(const Cost cost, CostOf(task_, task_.workloads[i]));
    DeviceProfile model = ProfileFromModel(cost, backend_.machine(), task_.precision,
                                           *evaluation.device, timing.median_ns);
    model.note = Shorten(counted.error().message, 300);
    return Answer(std::move(model));
  }
  return Answer();
}

}  // namespace ks
