// The timing on a device: pairs in rounds on resident contents, until the interval of the ratio
// decides; outputs of both sides compared on the device at random points.
#ifndef KS_EVALUATE_DEVICE_TIME_H_
#define KS_EVALUATE_DEVICE_TIME_H_

#include <map>
#include <optional>
#include <stop_token>
#include <vector>

#include "backend/device/device_backend.h"
#include "core/config.h"
#include "evaluate/device_session.h"
#include "evaluate/judge.h"
#include "evaluate/oracle.h"

namespace ks {

// An oracle's run on a timed workload is affordable up to these, see docs/evaluation.md.
inline constexpr double kOracleFlops = 2.5e9;
inline constexpr double kOracleBytes = 256e6;
// On a GPU, times of one kernel that spread more than this are measured on more pairs; what is
// left of the spread widens the interval ...
inline constexpr double kSteadyCv = 0.01;
// ... and beyond this nothing is claimed at all.
inline constexpr double kMostCv = 0.10;
// Steps of the device's event clock blur short kernels: a spread below this is none.
inline constexpr double kEventBlurNs = 100;

// One comparison. Single thread; everything given outlives it.
class DevicePairTimer {
 public:
  DevicePairTimer(const Task& task, DeviceBackend& backend, const EvaluationConfig& config,
                  const TimingPlan& plan, DeviceSession& session)
      : task_(task), backend_(backend), config_(config), plan_(plan), session_(session) {}

  // Draws, without the lease, the contents for the oracle of a confirmation, so that `Run` need
  // not.
  Status DrawKept();
  // REQUIRES: the lease is held. Begins anew at every call. ERRORS: our side only; kUnavailable: a
  // fresh runner may mend it.
  Result<TimingResult> Run(const CompiledKernel& rival, const CompiledKernel& candidate,
                           std::stop_token stop);
  // Lets the oracle decide about the outputs that `Run` put aside; needs no lease.
  Status JudgeKept(Oracle& oracle, TimingResult& result, std::stop_token stop) const;

 private:
  // Outputs of both sides on one content at the size of a timed workload.
  struct Kept {
    size_t workload = 0;
    std::vector<Bytes> inputs;
    std::vector<Bytes> rival_outputs;
    std::vector<Bytes> candidate_outputs;
    std::optional<WrongResult> difference;  // how they differed before, when that is the cause
  };
  class WorkloadTimer;
  // Outputs differed: whoever is wrong, this comparison is over once the oracle has spoken.
  bool IsDisputed() const { return !kept_.empty() && kept_.back().difference.has_value(); }

  const Task& task_;
  DeviceBackend& backend_;
  const EvaluationConfig& config_;
  const TimingPlan plan_;
  DeviceSession& session_;
  std::vector<Kept> kept_;
  std::map<size_t, std::vector<Bytes>> drawn_;  // by workload, see DrawKept
};

}  // namespace ks

#endif  // KS_EVALUATE_DEVICE_TIME_H_
