// CUDA C++ candidates to DeviceProgram, without a device: NVRTC in warm sandboxed processes, nvcc
// where there is no NVRTC.
#ifndef KS_BACKEND_CUDA_CUDA_COMPILER_H_
#define KS_BACKEND_CUDA_CUDA_COMPILER_H_

#include <memory>
#include <stop_token>
#include <string>

#include "backend/backend.h"
#include "backend/compile/bound_task.h"
#include "backend/compile/worker_pool.h"
#include "backend/cuda/toolkit.h"

namespace ks {

struct CudaCompilerOptions {
  CudaToolkit toolkit;
  std::string arch = "sm_90";
  LaunchLimits limits;  // of the device that the code is for
  int workers = 0;      // as of WorkerPool: NVRTC serialises inside a process
  int64_t worker_memory_bytes = CompileLimits().memory_bytes;
};

// What one run of the compiler gives.
struct CudaUnit {
  bool ok = false;
  std::string log, cubin, ptx;
  std::vector<std::string> symbols;  // of the launched kernels, in order; empty: not found
};

struct CudaUnitRequest {
  std::string source;
  std::vector<std::string> options;
  std::vector<std::string> kernels;  // as the launches name them
  double timeout_s = 0;
  double whole_timeout_s = 0;  // what the caller allowed, for the outcome
};

// Thread-safe. The sandbox outlives it.
class CudaCompiler {
 public:
  // ERRORS: kFailedPrecondition (no compiler here: how to get one; or it does not start).
  static Result<std::unique_ptr<CudaCompiler>> Create(const Sandbox& sandbox,
                                                      CudaCompilerOptions options,
                                                      std::stop_token stop);

  // "nvrtc 13.0"
  const std::string& version() const { return version_; }
  // One DeviceProgram for all workloads of the task; a module for each distinct set of constants.
  // ERRORS: as Backend::Compile.
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop);

 private:
  CudaCompiler(const Sandbox& sandbox, CudaCompilerOptions options)
      : sandbox_(sandbox), options_(std::move(options)) {}
  using UnitOutcome = std::variant<CudaUnit, CompileOutcome>;
  Result<UnitOutcome> CompileUnit(const CudaUnitRequest& request, std::stop_token stop);
  Result<UnitOutcome> RunNvrtc(const CudaUnitRequest& request, std::stop_token stop);
  Result<UnitOutcome> RunNvcc(const CudaUnitRequest& request, std::stop_token stop);
  std::vector<std::string> BaseOptions() const;

  const Sandbox& sandbox_;
  const CudaCompilerOptions options_;
  std::unique_ptr<WorkerPool> pool_;  // null: nvcc
  std::string version_;
};

}  // namespace ks

#endif  // KS_BACKEND_CUDA_CUDA_COMPILER_H_
