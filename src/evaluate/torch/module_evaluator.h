// Judges PyTorch modules: Model in one process, ModelNew in another, the verdict here.
//
// For every call the trusted side draws secret weights and inputs and writes them into memory that
// both map; the candidate answers into the same memory; then the trusted side computes what is
// expected, in fp64, and compares. Nothing that the candidate's process says is believed but the
// bytes it left. Verdicts only: times are the judge's (module_judge.h).
#ifndef KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_
#define KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "core/config.h"
#include "core/evaluator.h"
#include "core/module.h"
#include "evaluate/torch/module_session.h"

namespace ks {

// Single thread. The sandbox outlives it.
class ModuleEvaluator {
 public:
  // On `device`. ERRORS: as ModuleHost::Create.
  static Result<std::unique_ptr<ModuleEvaluator>> Create(const Sandbox& sandbox,
                                                         PythonEnvironment python,
                                                         ModuleDevice device,
                                                         const EvaluationConfig& config,
                                                         std::stop_token stop);

  // The admission gate. A module that cannot be loaded is not admitted. ERRORS: our side only.
  Result<ModuleAdmission> Admit(const ModuleSource& module, std::stop_token stop);
  // Gate, load, check. A kernel that passes is Measured without timings, and the facts say why.
  // ERRORS: kInvalidArgument (the module is not admitted), our side.
  Result<Evaluation> Evaluate(const ModuleSource& module, const ModuleSource& candidate,
                              const Stages& stages, uint64_t secret_seed, std::stop_token stop);

 private:
  ModuleEvaluator(std::shared_ptr<ModuleSession> session, const EvaluationConfig& config)
      : session_(std::move(session)), config_(config) {
    session_->Allow(1);
  }

  const std::shared_ptr<ModuleSession> session_;
  const EvaluationConfig config_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_
