// The processes that evaluations of modules need: hosts started once, children fresh each time.
#ifndef KS_EVALUATE_TORCH_MODULE_SESSION_H_
#define KS_EVALUATE_TORCH_MODULE_SESSION_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "backend/torch/module_host.h"
#include "core/machine.h"
#include "core/module.h"
#include "evaluate/torch/fair_mutex.h"
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

// Of one device; several modules may be open on it. The sandbox outlives it, and it what it starts.
// Thread-safe but for Runner and EndRunner, for which the caller holds the lease.
class ModuleSession {
 public:
  // Starts the trusted host, and with a device those of candidates; without one they start when
  // they are needed. A module may take `memory_bytes` (on the CPU). `first`: so many processes of
  // candidates are made ready at once. ERRORS: as ModuleHost::Create.
  static Result<std::shared_ptr<ModuleSession>> Create(const Sandbox& sandbox,
                                                       PythonEnvironment python,
                                                       ModuleDevice device, int64_t memory_bytes,
                                                       int first, std::stop_token stop);

  // What the modules run on; on the CPU only a name. ERRORS: kFailedPrecondition (the driver does
  // not start in the sandbox).
  Result<DeviceInfo> Describe(std::stop_token stop);
  // Opens a module in a fresh child and runs the gate there. On a CUDA device the sizes are the
  // full ones where they fit. A module that cannot be loaded is not admitted. REQUIRES: nobody is
  // timed on the device. ERRORS: our side only.
  Result<OpenModule> Open(const ModuleSource& module, std::stop_token stop);
  // A module that was admitted, with the sizes that were chosen then, in another trusted process.
  // ERRORS: kInvalidArgument (it cannot be loaded), our side.
  Result<std::unique_ptr<ModuleReference>> OpenAgain(const ModuleSource& module,
                                                     const nlohmann::json& chosen,
                                                     std::stop_token stop);
  // So many more processes of candidates may be there at a time (fewer, when negative).
  void Allow(int more) { pool_->Allow(more); }
  // A fresh process for a candidate, with its device ready. ERRORS: as
  // ModulePool::Take.
  Result<std::unique_ptr<ModuleCandidate>> StartCandidate(const ModuleFacts& facts,
                                                          std::stop_token stop);
  // The loop of timed calls without a candidate, among the trusted: one process, kept.
  Result<ModuleCandidate*> Runner(const ModuleFacts& facts, std::stop_token stop);
  void EndRunner() { runner_.reset(); }
  // Shared by what loads the device beside a measurement, quiet for one that must not be disturbed.
  QuietGate& gate() { return gate_; }
  // Checks and comparisons have the device one at a time, in the order of asking.
  FairMutex& lease() { return lease_; }

  const ModuleDevice& device() const { return device_; }
  // "torch 2.11.0, triton 3.6.0".
  const std::string& Versions() const { return versions_; }

 private:
  ModuleSession(const Sandbox& sandbox, PythonEnvironment python, ModuleDevice device,
                int64_t memory_bytes);
  Result<std::unique_ptr<ModuleChild>> StartTrusted(ModuleRole role, std::stop_token stop);
  Result<ModuleAnswer> Load(ModuleReference& reference, const ModuleSource& module,
                            const nlohmann::json& chosen, std::stop_token stop);

  const Sandbox& sandbox_;
  const PythonEnvironment python_;
  const ModuleDevice device_;
  const int64_t memory_bytes_;
  FairMutex lease_;
  std::mutex trusted_mutex_;
  std::shared_ptr<ModuleHost> trusted_;  // replaced where it has ended; guarded
  std::string versions_;                 // constant after Create
  std::unique_ptr<ModuleCandidate> runner_;
  QuietGate gate_;
  std::unique_ptr<ModulePool> pool_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_SESSION_H_
