// How compiled kernels are run for a verdict: the part of an evaluation that differs between
// candidates in processes of their own (CPU) and device code.
#ifndef KS_EVALUATE_JUDGE_H_
#define KS_EVALUATE_JUDGE_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "measure/paired.h"

namespace ks {

struct TimingPlan {
  WorkloadRole role = WorkloadRole::kTime;
  StoppingRule rule;  // per workload
  uint64_t secret_seed = 0;
  bool call_by_call = false;  // a module: without CUDA graphs
  bool own_rival = false;     // a module: the rival is ours, and may have threads
  bool quiet = false;         // a module: nobody else is at work on the device meanwhile
  bool fresh = false;         // in processes and on contents that served no earlier evaluation
  // A candidate whose ratio over all workloads must come out below this is not timed on the rest of
  // them (evaluate/cascade.h). 0: all are timed.
  double hopeless_below = 0;
};

struct CheckResult {
  std::optional<Outcome> fault;       // empty: it passed
  std::optional<ModuleFacts> module;  // how a PyTorch module was judged, as far as it came
};

struct TimingResult {
  std::vector<WorkloadTiming> timings;   // of all workloads of the role, but for hopeless ones
  Interval gain;                         // rival / candidate, geometric mean over workloads
  std::string bottleneck;                // of the first workload
  std::optional<Outcome> fault;          // of the candidate; then the rest is partial
  bool rival_failed = false;             // the rival itself broke: choose another one
  std::optional<Outcome> rival_fault;    // how, of a PyTorch module: a rival is no trusted code
  std::optional<DeviceFeatures> device;  // as the driver sees the candidate, device backends
  std::optional<ModuleFacts> module;     // how a PyTorch module was judged
};

// Thread-safe; takes whatever lease of the device it needs inside.
class Judge {
 public:
  virtual ~Judge() = default;
  // Every check workload, `check_trials` fresh secret contents each, against the fp64 oracle.
  // `seconds.queue` grows by the wait for a lease. ERRORS: our side only.
  virtual Result<CheckResult> Check(const CompiledKernel& kernel, uint64_t secret_seed,
                                    StageSeconds& seconds, std::stop_token stop) = 0;
  // One leased, interleaved comparison with a verdict on timed outputs; `seconds` gets the shares.
  // ERRORS: our side only.
  virtual Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& candidate,
                                       const TimingPlan& plan, StageSeconds& seconds,
                                       std::stop_token stop) = 0;
  // What binds a measured kernel: by counters where the device has a profiler, else by the model.
  // `evaluation` holds its times and resources. Empty: this judge cannot say. ERRORS: our side
  // only.
  virtual Result<std::optional<DeviceProfile>> Profile(const CompiledKernel& kernel,
                                                       const Evaluation& evaluation,
                                                       std::stop_token stop) {
    (void)kernel, (void)evaluation, (void)stop;
    return std::optional<DeviceProfile>();
  }
};

}  // namespace ks

#endif  // KS_EVALUATE_JUDGE_H_
