// PyTorch modules on this machine: what is behind `--backend torch` and `import`.
#ifndef KS_CLI_MODULES_H_
#define KS_CLI_MODULES_H_

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/torch/module_backend.h"
#include "base/result.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/machine.h"
#include "core/task.h"
#include "evaluate/torch/module_evaluator.h"
#include "evaluate/torch/module_session.h"
#include "sandbox/sandbox.h"

namespace ks {

// Steps in flight of a search: Triton takes seconds of a core for a module, the device fractions of
// a second.
inline constexpr int kModulesInFlight = 4;

// An evaluator for verdicts with the sandbox that it works in.
struct LocalModules {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<ModuleEvaluator> evaluator;  // destroyed first
};

// On CPU tensors. The Python is that of FindPython. ERRORS: kFailedPrecondition (no Python, no
// torch, no sandbox: how to mend it).
Result<LocalModules> OpenModules(const EvaluationConfig& config, std::stop_token stop);

// The processes of a device.
struct ModuleHosts {
  std::unique_ptr<Sandbox> sandbox;
  std::shared_ptr<ModuleSession> session;
  DeviceInfo device;
};

// The processes of each device, for searches that share them, one after the other and side by side:
// importing torch takes seconds of a core for each. They end with this and the last who uses them.
// Thread-safe.
class ModuleDevices {
 public:
  // `together`: so many evaluations go on at a time, at first. The first to ask says so, and how
  // much memory a module may take. ERRORS: as OpenTimedModules.
  Result<std::shared_ptr<ModuleHosts>> Open(int device, const EvaluationConfig& config,
                                            int together, std::stop_token stop);

 private:
  struct Entry {
    std::mutex mutex;  // devices start beside each other
    std::shared_ptr<ModuleHosts> hosts;
  };
  std::mutex mutex_;
  std::map<int, Entry> entries_;  // guarded; entries stay where they are
};

// An evaluator of candidates for one module, on a CUDA device; parts are destroyed in reverse
// order.
struct TimedModules {
  std::shared_ptr<ModuleHosts> hosts;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Evaluator> evaluator;
  ModuleFacts facts;
};

// Whether this machine has a device to time modules on.
bool HasModuleDevice();
// For as many as `together` evaluations at a time, with the processes of `shared`, or, null, its
// own. `task` comes from OpenModuleTask and outlives it. ERRORS: kFailedPrecondition (no device:
// CPU tensors are never timed; no Python, no torch, no sandbox), kInvalidArgument (no such device,
// the module is not admitted).
Result<TimedModules> OpenTimedModules(const Task& task, const EvaluationConfig& config, int device,
                                      int together, ModuleDevices* shared, std::stop_token stop);

// The task of a module's file; seeds are those of the files, then those beside it
// (NAME.seeds/*.py). ERRORS: as ReadModule.
Result<Task> OpenModuleTask(const std::string& path, const std::vector<std::string>& seed_files);

// A Python file. ERRORS: kNotFound; kInvalidArgument (a folder, too large, not text).
Result<ModuleSource> ReadModule(const std::string& path);

}  // namespace ks

#endif  // KS_CLI_MODULES_H_
