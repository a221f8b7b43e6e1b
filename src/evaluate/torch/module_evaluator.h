// Judges PyTorch modules: Model in one process, ModelNew in another, the verdict here.
//
// For every call the trusted side draws secret weights and inputs and writes them into memory that
// both map; the candidate answers into the same memory; then the trusted side computes what is
// expected, in fp64, and compares. Nothing that the candidate's process says is believed but the
// bytes it left.
#ifndef KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_
#define KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_

#include <memory>
#include <stop_token>
#include <string>

#include "backend/torch/module_host.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/module.h"

namespace ks {

struct ModuleSource {
  std::string file;  // for messages
  std::string text;
};

// Single thread. The sandbox outlives it.
class ModuleEvaluator {
 public:
  // Starts both hosts. ERRORS: as ModuleHost::Create.
  static Result<std::unique_ptr<ModuleEvaluator>> Create(const Sandbox& sandbox,
                                                         PythonEnvironment python,
                                                         const EvaluationConfig& config,
                                                         std::stop_token stop);
  ~ModuleEvaluator();

  // The admission gate. A module that cannot be loaded is not admitted. ERRORS: our side only.
  Result<ModuleAdmission> Admit(const ModuleSource& module, std::stop_token stop);
  // Gate, load, check. There are only CPU tensors: a kernel that passes is Measured without
  // timings, and the facts say why. ERRORS: kInvalidArgument (the module is not admitted), our
  // side.
  Result<Evaluation> Evaluate(const ModuleSource& module, const ModuleSource& candidate,
                              const Stages& stages, uint64_t secret_seed, std::stop_token stop);

 private:
  class Reference;
  class Candidate;

  ModuleEvaluator(const Sandbox& sandbox, PythonEnvironment python, const EvaluationConfig& config);
  // Opens a module in a fresh child and runs the gate there.
  struct Opened;
  Result<Opened> Open(const ModuleSource& module, std::stop_token stop);
  // A child of the host for `role`; a host that has ended is replaced.
  Result<std::unique_ptr<ModuleChannel>> Start(ModuleRole role, std::stop_token stop);
  Status Check(Reference& reference, Candidate& candidate, uint64_t secret_seed,
               Evaluation& evaluation, std::stop_token stop);

  const Sandbox& sandbox_;
  const PythonEnvironment python_;
  const EvaluationConfig config_;
  std::unique_ptr<ModuleHost> trusted_, hostile_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_EVALUATOR_H_
