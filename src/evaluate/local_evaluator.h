// The evaluator on this machine: the stages of one evaluation, in order, for any backend.
#ifndef KS_EVALUATE_LOCAL_EVALUATOR_H_
#define KS_EVALUATE_LOCAL_EVALUATOR_H_

#include <memory>
#include <variant>

#include "backend/backend.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "evaluate/judge.h"
#include "evaluate/kernel_cache.h"

namespace ks {

// Thread-safe. Compiling runs in the callers' threads; checks and comparisons go to the judge,
// which holds a lease of the device while it times. Task and backend outlive it.
class LocalEvaluator final : public Evaluator {
 public:
  LocalEvaluator(const Task& task, Backend& backend, std::unique_ptr<Judge> judge,
                 const EvaluationConfig& config);

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
  TimingPlan PlanFor(const EvaluationRequest& request, WorkloadRole role, double effort,
                     bool fresh) const;
  Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& kernel,
                               const TimingPlan& plan, Evaluation& evaluation,
                               std::stop_token stop);

  const Task& task_;
  Backend& backend_;
  const EvaluationConfig config_;
  const std::unique_ptr<Judge> judge_;
  KernelCache kernels_;
};

}  // namespace ks

#endif  // KS_EVALUATE_LOCAL_EVALUATOR_H_
