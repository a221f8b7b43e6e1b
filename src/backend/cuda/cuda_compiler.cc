#include "backend/cuda/cuda_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "backend/compile/cubin.h"
#include "backend/compile/ptx_features.h"
#include "backend/cuda/compiler_image.h"
#include "backend/cuda/source_rules.h"
#include "backend/device/program.h"
#include "backend/device/wire.h"
#include "base/text.h"
#include "core/kernel_source.h"
#include "core/launch_plan_text.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxLogBytes = 8u << 10;
constexpr int64_t kTmpBytes = int64_t{64} << 20;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

CompileFailed Failed(const std::string& log, std::string_view source) {
  return {ParseCudaDiagnostics(log, source), Shorten(log, kMaxLogBytes)};
}

CompileFailed FailedAt(Diagnostic diagnostic) {
  CompileFailed failed;
  failed.log = diagnostic.message;
  failed.diagnostics = {std::move(diagnostic)};
  return failed;
}

// A worker that ended instead of answering, as what became of the candidate.
CompileOutcome DeathOutcome(const WorkerDied& died, double limit_s, int64_t memory_bytes) {
  if (died.timed_out) return TimedOut{"compile", limit_s};
  const bool out_of_memory =
      died.err.find("bad_alloc") != std::string::npos || died.peak_rss_bytes > memory_bytes / 2;
  if (out_of_memory) return OutOfMemory{"compile", 0};
  return CompileFailed{
      {},
      fmt::format("the compiler ended with signal {}: {}", died.signal, Shorten(died.err, 1000))};
}

// Puts modules, kernels and launches together while variants are compiled one by one.
class ProgramBuilder {
 public:
  ProgramBuilder(const Task& task, const std::string& source, const BoundTask& bound,
                 const LaunchLimits& limits)
      : task_(task), source_(source), bound_(bound), limits_(limits), launches_(bound.Launches()) {
    program_.workloads.resize(bound.workloads.size());
  }

  // The module of `variant`. An answer ends the compile.
  std::optional<CompileOutcome> Add(uint32_t variant, CudaUnit unit) {
    const Result<CubinImage> image = ReadCubin(unit.cubin);
    if (!image.ok()) return CompileFailed{{}, image.error().message};
    if (auto rejected = CheckCubin(*image, unit.ptx)) return *rejected;
    const auto first_kernel = static_cast<uint32_t>(program_.kernels.size());
    std::vector<const CubinKernel*> kernels;
    for (size_t i = 0; i < launches_.size(); ++i) {
      const PlanText& name = launches_[i]->kernel;
      const CubinKernel* const kernel = image->Find(unit.symbols[i]);
      if (kernel == nullptr) {
        return FailedAt(PlanErrorAt(
            source_, name, 0,
            fmt::format("no __global__ function '{}' in the source", Shorten(name.text, 80))));
      }
      kernels.push_back(kernel);
      program_.kernels.push_back(
          {static_cast<uint32_t>(program_.modules.size()), kernel->symbol, 0, name.text});
    }
    for (size_t w = 0; w < bound_.workloads.size(); ++w) {
      if (bound_.variant_of[w] != variant) continue;
      if (auto wrong = AddWorkload(w, first_kernel, kernels)) return FailedAt(std::move(*wrong));
    }
    if (bound_.variant_of[FirstTimeWorkload(task_)] == variant) SetFeatures(unit.ptx, kernels);
    program_.modules.push_back({ModuleKind::kCubin, std::move(unit.cubin), ""});
    return std::nullopt;
  }

  DeviceProgram& program() { return program_; }
  const DeviceFeatures& features() const { return features_; }

 private:
  std::optional<Diagnostic> AddWorkload(size_t w, uint32_t first_kernel,
                                        const std::vector<const CubinKernel*>& kernels) {
    DeviceWorkload& workload = program_.workloads[w];
    workload.scratch_bytes = bound_.workloads[w].scratch_bytes;
    for (const BoundStep& step : bound_.workloads[w].steps) {
      workload.steps.push_back(step);
      auto* const launch = std::get_if<BoundLaunch>(&workload.steps.back());
      if (launch == nullptr) continue;
      const size_t number = launch->kernel;
      if (auto wrong = CheckArguments(source_, task_, *launches_[number], *launch,
                                      {kernels[number]->parameter_bytes}, 0)) {
        return wrong;
      }
      launch->kernel = first_kernel + static_cast<uint32_t>(number);
    }
    return std::nullopt;
  }

  void SetFeatures(std::string_view ptx, const std::vector<const CubinKernel*>& kernels) {
    const BoundPlan& plan = bound_.workloads[FirstTimeWorkload(task_)];
    features_ = LaunchFeatures(plan, limits_);
    for (const BoundStep& step : plan.steps) {
      const auto* launch = std::get_if<BoundLaunch>(&step);
      if (launch == nullptr) continue;
      const CubinKernel& kernel = *kernels[launch->kernel];
      features_.registers = std::max(features_.registers, kernel.registers);
      features_.spill_bytes = std::max(features_.spill_bytes, kernel.stack_bytes);
      features_.shared_bytes =
          std::max(features_.shared_bytes, kernel.shared_bytes + launch->shared_bytes);
    }
    AddPtxFeatures(ptx, &features_);
  }

  const Task& task_;
  const std::string& source_;
  const BoundTask& bound_;
  const LaunchLimits& limits_;
  const std::vector<const PlanLaunch*> launches_;
  DeviceProgram program_;
  DeviceFeatures features_;
};

}  // namespace

std::vector<std::string> CudaCompiler::BaseOptions() const {
  std::vector<std::string> options = {"-arch=" + options_.arch};
  for (const std::string& folder : options_.toolkit.includes) options.push_back("-I" + folder);
  return options;
}

Result<std::unique_ptr<CudaCompiler>> CudaCompiler::Create(const Sandbox& sandbox,
                                                           CudaCompilerOptions options,
                                                           std::stop_token stop) {
  if (!options.toolkit.usable()) return Error{ErrorCode::kFailedPrecondition, kGetCudaToolkit};
  std::unique_ptr<CudaCompiler> compiler(
      new CudaCompiler(sandbox, std::move(options)));  // private constructor
  const CudaToolkit& toolkit = compiler->options_.toolkit;
  if (toolkit.nvrtc.empty()) {
    compiler->version_ = Trim("nvcc " + toolkit.nvcc_version);
    return compiler;
  }
  WorkerPoolOptions pool;
  pool.name = "nvrtc";
  pool.executable = DeviceCompilerImage();
  pool.workers = compiler->options_.workers;
  pool.sandbox.argv = {"ksmith-device-compiler", toolkit.nvrtc};
  for (const std::string& option : compiler->BaseOptions()) pool.sandbox.argv.push_back(option);
  pool.sandbox.env = {"LC_ALL=C", "LD_LIBRARY_PATH=" + FolderOf(toolkit.nvrtc), "TMPDIR=/tmp",
                      "HOME=/tmp"};
  pool.sandbox.working_dir = "/tmp";
  pool.sandbox.mounts = ToolkitMounts(toolkit);
  pool.sandbox.tmp_bytes = kTmpBytes;
  pool.sandbox.limits.address_space_bytes = compiler->options_.worker_memory_bytes;
  pool.sandbox.profile = SeccompProfile::kCompile;
  KS_ASSIGN_OR_RETURN(compiler->pool_,
                      WorkerPool::Create(sandbox, std::move(pool), std::move(stop)));
  compiler->version_ = "nvrtc " + compiler->pool_->greeting();
  return compiler;
}

Result<CudaCompiler::UnitOutcome> CudaCompiler::RunNvrtc(const CudaUnitRequest& request,
                                                         std::stop_token stop) {
  WireWriter out;
  out.Text(request.source);
  out.List(request.options, [&](const std::string& option) { out.Text(option); });
  out.List(request.kernels, [&](const std::string& kernel) { out.Text(kernel); });
  KS_ASSIGN_OR_RETURN(auto answer, pool_->Ask(out.Take(), request.timeout_s, std::move(stop)));
  if (const auto* died = std::get_if<WorkerDied>(&answer)) {
    return UnitOutcome(DeathOutcome(*died, request.whole_timeout_s, options_.worker_memory_bytes));
  }
  WireReader in(std::get<std::string>(answer));
  CudaUnit unit;
  unit.ok = in.Flag();
  unit.log = in.Text();
  unit.cubin = in.Text();
  unit.ptx = in.Text();
  unit.symbols = in.List<std::string>(8, [&] { return in.Text(); });
  if (!in.AtEnd()) return UnitOutcome(CompileOutcome(CompileFailed{{}, "damaged answer"}));
  unit.symbols.resize(request.kernels.size());
  return UnitOutcome(std::move(unit));
}

Result<CudaCompiler::UnitOutcome> CudaCompiler::CompileUnit(const CudaUnitRequest& request,
                                                            std::stop_token stop) {
  return pool_ == nullptr ? RunNvcc(request, std::move(stop)) : RunNvrtc(request, std::move(stop));
}

Result<CompileOutcome> CudaCompiler::Compile(const Task& task, const std::string& source,
                                             const CompileLimits& limits, std::stop_token stop) {
  const Clock::time_point start = Clock::now();
  const BuildDirectives directives = ParseBuildDirectives(source);
  auto flags = CudaFlags(directives.flags, task);
  if (auto* rejected = std::get_if<Rejected>(&flags)) return CompileOutcome(std::move(*rejected));
  if (auto rejected = CheckCudaSource(source)) return CompileOutcome(std::move(*rejected));
  auto planned = BindTask(task, source, options_.limits);
  if (auto* failed = std::get_if<CompileOutcome>(&planned)) return std::move(*failed);
  const BoundTask& bound = std::get<BoundTask>(planned);

  std::vector<std::string> options = BaseOptions();
  const auto& wanted = std::get<std::vector<std::string>>(flags);
  options.insert(options.end(), wanted.begin(), wanted.end());
  const bool has_standard = std::any_of(wanted.begin(), wanted.end(), [](const std::string& flag) {
    return flag.starts_with("--std");
  });
  if (!has_standard) options.emplace_back("--std=c++20");

  ProgramBuilder builder(task, source, bound, options_.limits);
  CompiledKernel kernel;
  for (uint32_t variant = 0; variant < bound.variants.size(); ++variant) {
    CudaUnitRequest request = {
        source, options, {}, limits.timeout_s - SecondsSince(start), limits.timeout_s};
    for (const auto& [name, value] : bound.variants[variant]) {
      request.options.push_back(fmt::format("-D{}={}", name, value));
    }
    for (const PlanLaunch* launch : bound.Launches())
      request.kernels.push_back(launch->kernel.text);
    KS_ASSIGN_OR_RETURN(auto outcome, CompileUnit(request, stop));
    if (auto* ended = std::get_if<CompileOutcome>(&outcome)) return std::move(*ended);
    CudaUnit& unit = std::get<CudaUnit>(outcome);
    if (!unit.ok) return CompileOutcome(Failed(unit.log, source));
    if (variant == 0) {
      kernel.warnings = ParseCudaDiagnostics(unit.log, source);
      std::erase_if(kernel.warnings, [](const Diagnostic& d) { return d.severity != "warning"; });
    }
    if (auto ended = builder.Add(variant, std::move(unit))) return std::move(*ended);
  }
  kernel.device = builder.features();
  kernel.binary = SerializeProgram(builder.program());
  kernel.binary_hash = ProgramHash(builder.program());
  kernel.compiler = version_;
  kernel.flags = Join(wanted, " ");
  kernel.seconds = SecondsSince(start);
  return CompileOutcome(std::move(kernel));
}

}  // namespace ks
