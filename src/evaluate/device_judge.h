// The judge of device code: one runner of the device, used by one thread at a time under the
// device's lease.
#ifndef KS_EVALUATE_DEVICE_JUDGE_H_
#define KS_EVALUATE_DEVICE_JUDGE_H_

#include "backend/device/device_backend.h"
#include "core/config.h"
#include "evaluate/content_bank.h"
#include "evaluate/device_session.h"
#include "evaluate/judge.h"
#include "evaluate/oracle.h"

namespace ks {

// Thread-safe. Task and backend outlive it. The lease is held while kernels run; contents are made
// and outputs judged outside of it. A runner killed by a candidate is replaced; one that dies by
// our fault is replaced once, then the error is returned.
class DeviceJudge final : public Judge {
 public:
  // `secret_seed` decides the contents of checks and of the timed workloads.
  DeviceJudge(const Task& task, DeviceBackend& backend, const EvaluationConfig& config,
              uint64_t secret_seed)
      : task_(task),
        backend_(backend),
        config_(config),
        oracle_(task, backend.reference_backend()),
        bank_(task, oracle_, secret_seed),
        session_(task, backend, secret_seed) {}

  Result<CheckResult> Check(const CompiledKernel& kernel, uint64_t secret_seed,
                            StageSeconds& seconds, std::stop_token stop) override;
  Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& candidate,
                               const TimingPlan& plan, StageSeconds& seconds,
                               std::stop_token stop) override;
  Result<std::optional<DeviceProfile>> Profile(const CompiledKernel& kernel,
                                               const Evaluation& evaluation,
                                               std::stop_token stop) override;

 private:
  Result<DeviceProfile> Counted(const CompiledKernel& kernel, size_t workload,
                                std::stop_token stop);

  const Task& task_;
  DeviceBackend& backend_;
  const EvaluationConfig config_;
  Oracle oracle_;
  ContentBank bank_;
  DeviceSession session_;  // used under the device's lease
};

}  // namespace ks

#endif  // KS_EVALUATE_DEVICE_JUDGE_H_
