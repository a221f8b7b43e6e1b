// Triton candidates to DeviceProgram, without a device: a warm Python in the sandbox forks a child
// for each candidate, which compiles ahead of time for an explicit target.
#ifndef KS_BACKEND_TRITON_TRITON_COMPILER_H_
#define KS_BACKEND_TRITON_TRITON_COMPILER_H_

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include "backend/backend.h"
#include "backend/compile/bound_task.h"
#include "backend/compile/worker_pool.h"
#include "backend/triton/python_env.h"

namespace ks {

struct TritonCompilerOptions {
  PythonEnvironment python;
  std::string backend = "cuda";  // "hip"
  std::string arch = "90";       // "gfx942"
  LaunchLimits limits;           // of the device that the code is for
  int workers = 0;               // as of WorkerPool
};

// "sm_90" -> "90"; other names stay.
std::string TritonArch(const std::string& arch);

// Thread-safe. The sandbox outlives it.
class TritonCompiler {
 public:
  // ERRORS: kFailedPrecondition (no Triton in that Python: how to get it; or it does not start).
  static Result<std::unique_ptr<TritonCompiler>> Create(const Sandbox& sandbox,
                                                        TritonCompilerOptions options,
                                                        std::stop_token stop);

  // "triton 3.6.0"
  const std::string& version() const { return version_; }
  // One DeviceProgram for all workloads of the task; a kernel for each distinct set of constants,
  // options and argument properties of a launch (as JobsOf has them). Its kernels are compiled side
  // by side where cores are free. ERRORS: as Backend::Compile.
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop);

 private:
  explicit TritonCompiler(TritonCompilerOptions options) : options_(std::move(options)) {}

  const TritonCompilerOptions options_;
  std::unique_ptr<WorkerPool> pool_;
  std::string version_;
  std::atomic<int> in_flight_ = 0;  // own synchronisation
};

}  // namespace ks

#endif  // KS_BACKEND_TRITON_TRITON_COMPILER_H_
