// Candidates for PyTorch modules as a backend: a Python file is its own binary.
#ifndef KS_BACKEND_TORCH_MODULE_BACKEND_H_
#define KS_BACKEND_TORCH_MODULE_BACKEND_H_

#include <string>
#include <utility>

#include "backend/backend.h"

namespace ks {

inline constexpr const char* kTorchBackend = "torch";

// Immutable, so thread-safe. What a candidate does when it is loaded shows in its process, so there
// is nothing to compile here: Compile wraps the source.
class ModuleBackend final : public Backend {
 public:
  // `versions` names the compilers that its processes have: "torch 2.11.0, triton 3.6.0".
  ModuleBackend(Machine machine, std::string versions)
      : machine_(std::move(machine)), versions_(std::move(versions)) {}

  std::string name() const override { return kTorchBackend; }
  std::string device_class() const override { return "gpu"; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;

 private:
  const Machine machine_;
  const std::string versions_;
};

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_BACKEND_H_
