// The CPU backend: C++ candidates compiled by g++ or clang++, run in sandboxed processes.
//
// Cost of one call, beyond the kernel, on a 2-core virtual machine: see docs/measurement.md.
#ifndef KS_BACKEND_CPU_CPU_BACKEND_H_
#define KS_BACKEND_CPU_CPU_BACKEND_H_

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/machine.h"
#include "backend/cpu/runner_process.h"
#include "backend/cpu/toolchain.h"

namespace ks {

struct CpuBackendOptions {
  bool measure_ceilings = true;  // about 0.1 s
};

// Thread-safe. Keeps no file: sources, binaries and buffers live in memory and in the sandboxes'
// private roots, so nothing is left behind however this process ends.
class CpuBackend final : public ProcessBackend {
 public:
  // ERRORS: kFailedPrecondition (no sandbox or no compiler; the message says how to mend it).
  static Result<std::unique_ptr<CpuBackend>> Create(const CpuBackendOptions& options);

  std::string name() const override { return "cpu"; }
  std::string device_class() const override { return "cpu"; }
  const Machine& machine() const override { return detected_.machine; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;
  Result<CompileOutcome> CompileReference(const Task& task, std::stop_token stop) override;
  Result<std::unique_ptr<Arena>> NewArena(const Task& task,
                                          const std::vector<const Workload*>& workloads,
                                          bool widened) override;
  // REQUIRES: `arena` comes from this backend.
  Result<std::variant<std::unique_ptr<KernelRunner>, Outcome>> NewRunner(
      const Task& task, const CompiledKernel& kernel, Arena& arena,
      const RunnerOptions& options) override;

 private:
  CpuBackend(std::unique_ptr<Sandbox> sandbox, DetectedMachine detected, RunnerParts parts);

  // Constant after construction.
  const std::unique_ptr<Sandbox> sandbox_;
  const DetectedMachine detected_;
  const RunnerParts parts_;

  Toolchain toolchain_;  // thread-safe
};

}  // namespace ks

#endif  // KS_BACKEND_CPU_CPU_BACKEND_H_
