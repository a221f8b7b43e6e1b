// The admission gate's runner on a real backend.
#ifndef KS_CLI_GATE_RUNNER_H_
#define KS_CLI_GATE_RUNNER_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/device/device_backend.h"
#include "core/config.h"
#include "evaluate/device_session.h"
#include "evaluate/oracle.h"
#include "task/gate.h"

namespace ks {

// Single thread. Task and backend outlive it.
class BackendGateRunner final : public GateRunner {
 public:
  // The seed of `backend` on its device, against the reference on the host. REQUIRES: a
  // ProcessBackend or a DeviceBackend.
  BackendGateRunner(const Task& task, Backend& backend, const EvaluationConfig& config,
                    std::stop_token stop);

  Result<std::vector<Bytes>> Reference(const Workload& workload,
                                       const std::vector<Bytes>& inputs) override;
  Result<std::variant<std::vector<Bytes>, Outcome>> Seed(const Workload& workload,
                                                         const std::vector<Bytes>& inputs) override;

 private:
  // Empty: the seed is compiled; else why it is not.
  Result<std::optional<Outcome>> CompileSeed();
  using Outputs = std::variant<std::vector<Bytes>, Outcome>;
  Result<Outputs> SeedInProcess(ProcessBackend& backend, const Workload& workload,
                                const std::vector<Bytes>& inputs);
  Result<Outputs> SeedOnDevice(DeviceBackend& backend, const Workload& workload,
                               const std::vector<Bytes>& inputs);

  const Task& task_;
  Backend& backend_;
  const EvaluationConfig config_;
  const std::stop_token stop_;
  Oracle oracle_;
  std::unique_ptr<CompiledKernel> seed_;    // compiled at the first call
  std::unique_ptr<DeviceSession> session_;  // of a device backend, from the first call on
};

}  // namespace ks

#endif  // KS_CLI_GATE_RUNNER_H_
