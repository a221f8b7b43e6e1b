#include "backend/cpu/cpu_backend.h"

#include <fmt/format.h>

#include "backend/cpu/arena.h"
#include "backend/cpu/ceilings.h"
#include "backend/cpu/runner_image.h"

namespace ks {

Result<std::unique_ptr<CpuBackend>> CpuBackend::Create(const CpuBackendOptions& options) {
  KS_ASSIGN_OR_RETURN(auto sandbox, Sandbox::Create());
  KS_ASSIGN_OR_RETURN(DetectedMachine detected, DetectMachine(*sandbox));
  if (options.measure_ceilings) {
    const Ceilings ceilings = MeasureCeilings(detected.machine);
    detected.machine.peak_gflops_f32 = ceilings.peak_gflops_f32;
    detected.machine.copy_gbytes_per_s = ceilings.copy_gbytes_per_s;
  }
  RunnerParts parts;
  parts.sandbox = sandbox.get();
  KS_ASSIGN_OR_RETURN(parts.executable, NewRunnerFile());
  KS_ASSIGN_OR_RETURN(parts.single, BuildKernelFilters(1));
  KS_ASSIGN_OR_RETURN(parts.threaded, BuildKernelFilters(2));
  return std::unique_ptr<CpuBackend>(  // private constructor
      new CpuBackend(std::move(sandbox), std::move(detected), std::move(parts)));
}

CpuBackend::CpuBackend(std::unique_ptr<Sandbox> sandbox, DetectedMachine detected,
                       RunnerParts parts)
    : sandbox_(std::move(sandbox)),
      detected_(std::move(detected)),
      parts_(std::move(parts)),
      toolchain_(*sandbox_, detected_) {}

Result<CompileOutcome> CpuBackend::Compile(const Task& task, const std::string& source,
                                           const CompileLimits& limits, std::stop_token stop) {
  return toolchain_.Compile(task, /*widened=*/false, source, limits, std::move(stop));
}

Result<CompileOutcome> CpuBackend::CompileReference(const Task& task, std::stop_token stop) {
  return toolchain_.Compile(task, /*widened=*/true, task.reference_source, {}, std::move(stop));
}

Result<std::unique_ptr<Arena>> CpuBackend::NewArena(const Task& task,
                                                    const std::vector<const Workload*>& workloads,
                                                    bool widened) {
  KS_ASSIGN_OR_RETURN(auto arena,
                      CpuArena::Create(task, workloads, widened, detected_.machine.memory_bytes));
  return std::unique_ptr<Arena>(std::move(arena));
}

Result<std::variant<std::unique_ptr<KernelRunner>, Outcome>> CpuBackend::NewRunner(
    const Task& task, const CompiledKernel& kernel, Arena& arena, const RunnerOptions& options) {
  auto started = RunnerProcess::Start(parts_, kernel, static_cast<CpuArena&>(arena), options);
  if (!started.ok()) return started.error().Under(fmt::format("task {}", task.name));
  return started;
}

}  // namespace ks
