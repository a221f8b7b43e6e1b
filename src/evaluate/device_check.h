// The check on a device: secret contents on odd, prime and tiny sizes, judged on the host by the
// fp64 oracle's outputs. Only uploads, launches and downloads happen under the lease.
#ifndef KS_EVALUATE_DEVICE_CHECK_H_
#define KS_EVALUATE_DEVICE_CHECK_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "backend/device/device_backend.h"
#include "core/config.h"
#include "evaluate/content_bank.h"
#include "evaluate/device_session.h"
#include "evaluate/judge.h"

namespace ks {

// One check of one candidate. Single thread; everything given outlives it.
class DeviceChecker {
 public:
  // Outputs of this many bytes are collected under one lease before they are judged.
  static constexpr size_t kBatchBytes = size_t{256} << 20;

  DeviceChecker(const Task& task, DeviceBackend& backend, DeviceSession& session, ContentBank& bank,
                const EvaluationConfig& config)
      : task_(task), backend_(backend), session_(session), bank_(bank), config_(config) {}

  // Every check workload, `check_trials` trials in random order, the first one twice with different
  // poison. Empty: it passed. ERRORS: our side only; a runner that died by our fault was replaced
  // once.
  Result<std::optional<Outcome>> Run(const CompiledKernel& kernel, uint64_t secret_seed,
                                     StageSeconds& seconds, std::stop_token stop);

 private:
  struct Item {
    size_t workload = 0;  // index into the task's workloads
    bool twice = false;
    uint64_t salt = 0;
    std::shared_ptr<const CheckContent> content;
  };
  using Outputs = std::vector<Bytes>;  // of one call, task order
  using Calls = std::vector<Outputs>;  // of one item
  struct Collected {
    std::vector<Calls> items;
    std::optional<Outcome> fault;  // of the item after the last one
  };

  Result<std::vector<std::vector<Item>>> Plan(uint64_t secret_seed, std::stop_token stop);
  Result<Collected> Collect(const CompiledKernel& kernel, const std::vector<Item>& batch,
                            std::stop_token stop);
  std::optional<Outcome> JudgeItem(const Item& item, const Calls& calls) const;

  const Task& task_;
  DeviceBackend& backend_;
  DeviceSession& session_;
  ContentBank& bank_;
  const EvaluationConfig& config_;
};

// Candidates are native code of the runner's process (OpenCL on a CPU): none shares it with
// another.
inline bool RunsNatively(const DeviceBackend& backend) {
  return backend.machine().device && backend.machine().device->is_cpu;
}

// Runs `step` (-> Result<T>) and once more on a fresh runner when it fails by kUnavailable: our
// fault, or the machine's. After an error the runner is dropped. REQUIRES: the lease is held.
template <typename Step>
auto RetriedOnce(DeviceSession& session, Step step) {
  auto result = step();
  if (result.ok()) return result;
  session.Drop();
  if (result.error().code != ErrorCode::kUnavailable) return result;
  auto again = step();
  if (again.ok()) return again;
  session.Drop();
  return decltype(result)(Error{
      again.error().code, again.error().message + " (after: " + result.error().message + ")"});
}

}  // namespace ks

#endif  // KS_EVALUATE_DEVICE_CHECK_H_
