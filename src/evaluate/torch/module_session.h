// The processes that evaluations of modules need: hosts started once, children fresh each time.
#ifndef KS_EVALUATE_TORCH_MODULE_SESSION_H_
#define KS_EVALUATE_TORCH_MODULE_SESSION_H_

#include <array>
#include <memory>
#include <stop_token>
#include <string>

#include "backend/torch/module_host.h"
#include "core/config.h"
#include "core/machine.h"
#include "core/module.h"
#include "evaluate/torch/module_sides.h"

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

// Single thread. The sandbox outlives it.
class ModuleSession {
 public:
  // Starts the trusted host, and with a device those of candidates and rivals; without one they
  // start when they are needed. ERRORS: as ModuleHost::Create.
  static Result<std::unique_ptr<ModuleSession>> Create(const Sandbox& sandbox,
                                                       PythonEnvironment python,
                                                       ModuleDevice device,
                                                       const EvaluationConfig& config,
                                                       std::stop_token stop);

  // What the modules run on; on the CPU only a name. ERRORS: kFailedPrecondition (the driver does
  // not start in the sandbox).
  Result<DeviceInfo> Describe(std::stop_token stop);
  // Opens a module in a fresh child and runs the gate there. On a CUDA device the sizes are the
  // full ones where they fit. A module that cannot be loaded is not admitted. ERRORS: our side
  // only.
  Result<OpenModule> Open(const ModuleSource& module, std::stop_token stop);
  // A fresh candidate's process, with its device ready; each slot has a host of its own, and which
  // one serves tells nothing of the use. The end of the candidate before it had begun is an Error:
  // kUnavailable.
  enum class Slot { kFirst, kSecond };
  Result<std::unique_ptr<ModuleCandidate>> StartCandidate(Slot slot, const ModuleFacts& facts,
                                                          std::stop_token stop);
  // What a comparison needs, started at once; `swapped`: the rival in the second slot. ERRORS: as
  // StartCandidate.
  struct Trio {
    std::unique_ptr<ModuleCandidate> rival, candidate, runner;
  };
  Result<Trio> StartTrio(const ModuleFacts& facts, bool swapped, std::stop_token stop);
  // The same loop without a candidate, among the trusted.
  Result<std::unique_ptr<ModuleCandidate>> StartRunner(const ModuleFacts& facts,
                                                       std::stop_token stop);

  const EvaluationConfig& config() const { return config_; }
  const ModuleDevice& device() const { return device_; }
  // "torch 2.11.0, triton 3.6.0".
  std::string Versions() const;

 private:
  ModuleSession(const Sandbox& sandbox, PythonEnvironment python, ModuleDevice device,
                const EvaluationConfig& config);
  // A child of `host`; one that has ended is replaced.
  Result<std::unique_ptr<ModuleChild>> Start(std::shared_ptr<ModuleHost>& host, ModuleRole role,
                                             std::stop_token stop);
  Result<std::unique_ptr<ModuleCandidate>> Warm(std::unique_ptr<ModuleChild> child,
                                                const ModuleFacts& facts, std::stop_token stop);

  const Sandbox& sandbox_;
  const PythonEnvironment python_;
  const ModuleDevice device_;
  const EvaluationConfig config_;
  std::shared_ptr<ModuleHost> trusted_;
  std::array<std::shared_ptr<ModuleHost>, 2> hostile_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_SESSION_H_
