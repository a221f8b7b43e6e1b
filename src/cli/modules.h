// PyTorch modules on this machine: the evaluator behind `evaluate --backend torch` and `import`.
#ifndef KS_CLI_MODULES_H_
#define KS_CLI_MODULES_H_

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "core/config.h"
#include "evaluate/torch/module_evaluator.h"
#include "sandbox/sandbox.h"

namespace ks {

inline constexpr const char* kTorchBackend = "torch";

// An evaluator with the sandbox that it works in.
struct LocalModules {
  std::unique_ptr<Sandbox> sandbox;
  std::unique_ptr<ModuleEvaluator> evaluator;  // destroyed first
};

// The Python is that of FindPython. ERRORS: kFailedPrecondition (no Python, no torch, no sandbox:
// how to mend it).
Result<LocalModules> OpenModules(const EvaluationConfig& config, std::stop_token stop);

// A Python file. ERRORS: kNotFound; kInvalidArgument (a folder, too large, not text).
Result<ModuleSource> ReadModule(const std::string& path);

}  // namespace ks

#endif  // KS_CLI_MODULES_H_
