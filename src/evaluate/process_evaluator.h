// The evaluator on this machine: compile, check, audit and time in sandboxed processes.
#ifndef KS_EVALUATE_PROCESS_EVALUATOR_H_
#define KS_EVALUATE_PROCESS_EVALUATOR_H_

#include <memory>
#include <mutex>
#include <variant>

#include "backend/backend.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "evaluate/kernel_cache.h"
#include "evaluate/oracle.h"

namespace ks {

struct TimingResult;

// Thread-safe. Compiling and checking run in the callers' threads; timing holds a lease of the
// device, so that one comparison runs at a time. The task, backend and clock outlive it.
class ProcessEvaluator final : public Evaluator {
 public:
  // `timing_core`: the core that timed processes are pinned to; -1: not pinned.
  ProcessEvaluator(const Task& task, Backend& backend, const EvaluationConfig& config,
                   int timing_core);

  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token stop) override;
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return backend_.machine(); }

 private:
  using Kernel = std::shared_ptr<const CompiledKernel>;
  struct Rivals {
    Kernel kernel;     // the one to pair with
    Interval speedup;  // of it, over the baseline
    Kernel baseline;
  };

  // Fills `evaluation` from the compile; null when the outcome is already decided.
  Result<Kernel> Compile(const EvaluationRequest& request, Evaluation& evaluation,
                         std::stop_token stop);
  // A kernel that was accepted before. ERRORS: kInternal when it does not compile now.
  Result<Kernel> CompileRival(const std::string& source, std::stop_token stop);
  Status Check(const CompiledKernel& kernel, Evaluation& evaluation, std::stop_token stop);
  Status Time(const EvaluationRequest& request, Kernel kernel, Evaluation& evaluation,
              std::stop_token stop);
  Status Confirm(const EvaluationRequest& request, const CompiledKernel& kernel,
                 const CompiledKernel& baseline, Evaluation& evaluation, std::stop_token stop);
  // One leased comparison in fresh processes, with the verdict of the oracle on timed outputs.
  Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& kernel,
                               WorkloadRole role, double effort, Evaluation& evaluation,
                               std::stop_token stop);

  const Task& task_;
  Backend& backend_;
  const EvaluationConfig config_;
  const int timing_core_;
  Oracle oracle_;
  KernelCache kernels_;
  std::mutex lease_;  // held while timing: one comparison on the device at a time
};

}  // namespace ks

#endif  // KS_EVALUATE_PROCESS_EVALUATOR_H_
