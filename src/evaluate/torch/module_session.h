// The processes that evaluations of modules need: hosts started once, children fresh each time.
#ifndef KS_EVALUATE_TORCH_MODULE_SESSION_H_
#define KS_EVALUATE_TORCH_MODULE_SESSION_H_

#include <memory>
#include <stop_token>
#include <string>

#include "backend/torch/module_host.h"
#include "core/config.h"
#include "core/machine.h"
#include "core/module.h"
#include "evaluate/torch/module_pool.h"
#include "evaluate/torch/module_sides.h"
#include "evaluate/torch/quiet_gate.h"

namespace ks {

struct ModuleSource {
  std::string file;  // for messages
  std::string text;
};

// A module in a trusted process of its own, and what the gate said of it.
struct OpenModule {
  std::unique_ptr<ModuleReference> reference;
  ModuleAdmission admission;
};

// Single thread but for what says otherwise. The sandbox outlives it, and it what it starts.
class ModuleSession {
 public:
  // Starts the trusted host, and with a device those of candidates; without one they start when
  // they are needed. `together`: so many evaluations go on at a time. ERRORS: as
  // ModuleHost::Create.
  static Result<std::unique_ptr<ModuleSession>> Create(const Sandbox& sandbox,
                                                       PythonEnvironment python,
                                                       ModuleDevice device,
                                                       const EvaluationConfig& config, int together,
                                                       std::stop_token stop);

  // What the modules run on; on the CPU only a name. ERRORS: kFailedPrecondition (the driver does
  // not start in the sandbox).
  Result<DeviceInfo> Describe(std::stop_token stop);
  // Opens a module in a fresh child and runs the gate there. On a CUDA device the sizes are the
  // full ones where they fit. A module that cannot be loaded is not admitted. ERRORS: our side
  // only.
  Result<OpenModule> Open(const ModuleSource& module, std::stop_token stop);
  // A fresh process for a candidate, with its device ready; thread-safe. ERRORS: as
  // ModulePool::Take.
  Result<std::unique_ptr<ModuleCandidate>> StartCandidate(const ModuleFacts& facts,
                                                          std::stop_token stop);
  // The loop of timed calls without a candidate, among the trusted: one process, kept.
  Result<ModuleCandidate*> Runner(const ModuleFacts& facts, std::stop_token stop);
  void EndRunner() { runner_.reset(); }
  // Shared by what loads the device beside a measurement, quiet for one that must not be disturbed.
  QuietGate& gate() { return gate_; }

  const EvaluationConfig& config() const { return config_; }
  const ModuleDevice& device() const { return device_; }
  // How many candidates' processes may be kept without want for evaluations: those that wait for
  // their comparison, and a rival.
  int MostKept() const { return together_ + 1; }
  // "torch 2.11.0, triton 3.6.0".
  std::string Versions() const;

 private:
  ModuleSession(const Sandbox& sandbox, PythonEnvironment python, ModuleDevice device,
                const EvaluationConfig& config, int together);
  Result<std::unique_ptr<ModuleChild>> StartTrusted(ModuleRole role, std::stop_token stop);

  const Sandbox& sandbox_;
  const PythonEnvironment python_;
  const ModuleDevice device_;
  const EvaluationConfig config_;
  const int together_;
  std::shared_ptr<ModuleHost> trusted_;
  std::unique_ptr<ModuleCandidate> runner_;
  QuietGate gate_;
  std::unique_ptr<ModulePool> pool_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_SESSION_H_
