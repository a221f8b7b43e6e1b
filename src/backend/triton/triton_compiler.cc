#include "backend/triton/triton_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "backend/compile/cubin.h"
#include "backend/compile/ptx_features.h"
#include "backend/device/program.h"
#include "backend/triton/triton_jobs.h"
#include "backend/triton/worker_files.h"
#include "base/text.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWorkerFolder = "/ksmith";
constexpr size_t kMaxLogBytes = 8u << 10;
constexpr size_t kMaxJobs = 64;
// Of all Triton workers together where user namespaces share the count: a fork bomb ends here.
constexpr int64_t kProcesses = 256;
constexpr int64_t kTmpBytes = int64_t{256} << 20;
// What Python and Triton's library map before a candidate does anything.
constexpr int64_t kBaseMemoryBytes = int64_t{4} << 30;
constexpr double kGraceS = 10;  // for the worker to end a child that is late

CompileFailed Failed(std::string message, int line = 0, int column = 0, std::string log = {}) {
  CompileFailed failed;
  failed.log = log.empty() ? message : Shorten(log, kMaxLogBytes);
  failed.diagnostics.push_back(
      {"error", std::max(line, 0), std::max(column, 0), Shorten(message, 1000)});
  return failed;
}

// The candidate's end when there are no kernels.
std::optional<CompileOutcome> EndOf(const TritonReply& reply, double limit_s) {
  switch (reply.status) {
    case TritonReply::Status::kOk:
      return std::nullopt;
    case TritonReply::Status::kTimedOut:
      return TimedOut{"compile", limit_s};
    case TritonReply::Status::kDied:
      return Failed("the compiler ended with " + Shorten(reply.message, 100));
    case TritonReply::Status::kFailed:
      break;
  }
  if (reply.message.starts_with("MemoryError")) return OutOfMemory{"compile", 0};
  return Failed(reply.message, reply.line, reply.column, reply.log);
}

// A candidate's share of the cores while it compiles. Single thread, the counter is shared.
class CoreShare {
 public:
  CoreShare(std::atomic<int>* in_flight, int workers)
      : in_flight_(in_flight), processes_(std::max(1, workers / (in_flight->fetch_add(1) + 1))) {}
  ~CoreShare() { in_flight_->fetch_sub(1); }
  CoreShare(const CoreShare&) = delete;
  CoreShare& operator=(const CoreShare&) = delete;
  int processes() const { return processes_; }

 private:
  std::atomic<int>* const in_flight_;
  const int processes_;
};

// Puts the compiled kernels and the launches together.
class ProgramBuilder {
 public:
  ProgramBuilder(const Task& task, const std::string& source, const BoundTask& bound,
                 const LaunchLimits& limits)
      : task_(task), source_(source), bound_(bound), limits_(limits), launches_(bound.Launches()) {}

  std::optional<CompileOutcome> AddKernels(const std::vector<TritonJob>& jobs,
                                           std::vector<TritonKernel> kernels) {
    for (size_t i = 0; i < kernels.size(); ++i) {
      TritonKernel& kernel = kernels[i];
      Resources resources;
      const Result<CubinImage> image = ReadCubin(kernel.image);
      if (!image.ok()) return Failed(image.error().message);
      if (auto rejected = CheckCubin(*image, kernel.assembly)) return *rejected;
      const CubinKernel* const code = image->Find(kernel.symbol);
      if (code == nullptr) return Failed("no kernel " + Shorten(kernel.symbol, 100));
      const size_t kept = jobs[i].arguments.size() - kernel.dropped.size();
      if (code->parameter_bytes.size() < kept) return Failed("the kernel has lost a parameter");
      resources.code = *code;
      resources.hidden = code->parameter_bytes.size() - kept;
      resources.kernel = std::move(kernel);
      program_.kernels.push_back({ModuleOf(std::move(resources.kernel.image)),
                                  resources.kernel.symbol, static_cast<uint32_t>(resources.hidden),
                                  jobs[i].kernel});
      resources_.push_back(std::move(resources));
    }
    return std::nullopt;
  }

  std::optional<CompileOutcome> AddWorkloads(const TritonJobs& jobs) {
    for (size_t w = 0; w < bound_.workloads.size(); ++w) {
      const BoundPlan& plan = bound_.workloads[w];
      DeviceWorkload& workload = program_.workloads.emplace_back();
      workload.scratch_bytes = plan.scratch_bytes;
      for (size_t s = 0; s < plan.steps.size(); ++s) {
        workload.steps.push_back(plan.steps[s]);
        auto* const launch = std::get_if<BoundLaunch>(&workload.steps.back());
        if (launch == nullptr) continue;
        if (auto ended = Complete(launch, jobs.of_step[w][s])) return ended;
      }
    }
    SetFeatures(jobs);
    return std::nullopt;
  }

  DeviceProgram& program() { return program_; }
  const DeviceFeatures& features() const { return features_; }

 private:
  struct Resources {
    TritonKernel kernel;
    CubinKernel code;
    size_t hidden = 0;
  };

  // Variants that came out alike are loaded once.
  uint32_t ModuleOf(std::string image) {
    const auto known =
        std::find_if(program_.modules.begin(), program_.modules.end(),
                     [&](const DeviceModule& module) { return module.image == image; });
    const auto index = static_cast<uint32_t>(known - program_.modules.begin());
    if (known == program_.modules.end()) {
      program_.modules.push_back({ModuleKind::kCubin, std::move(image), ""});
    }
    return index;
  }

  // What only the compiled kernel tells.
  std::optional<CompileOutcome> Complete(BoundLaunch* launch, uint32_t job) {
    const Resources& resources = resources_[job];
    const PlanLaunch& plan = *launches_[launch->kernel];
    const std::vector<uint32_t>& dropped = resources.kernel.dropped;
    for (size_t i = dropped.size(); i > 0; --i) {
      launch->args.erase(launch->args.begin() + static_cast<ptrdiff_t>(dropped[i - 1]));
    }
    PlanLaunch unplaced = plan;  // the positions of dropped arguments no longer fit
    if (!dropped.empty()) unplaced.args_given = false;
    if (auto wrong = CheckArguments(source_, task_, unplaced, *launch,
                                    {resources.code.parameter_bytes}, resources.hidden)) {
      return Failed(wrong->message, wrong->line, wrong->column);
    }
    launch->kernel = job;
    launch->block[0] = static_cast<uint32_t>(resources.kernel.threads);
    launch->shared_bytes = static_cast<uint32_t>(resources.kernel.shared_bytes);
    if (limits_.max_shared_bytes > 0 && resources.kernel.shared_bytes > limits_.max_shared_bytes) {
      return LaunchFailed{
          fmt::format("line {}, '{}': {} bytes of shared memory; the device allows "
                      "{}",
                      plan.kernel.line, plan.kernel.text, resources.kernel.shared_bytes,
                      limits_.max_shared_bytes)};
    }
    return std::nullopt;
  }

  void SetFeatures(const TritonJobs& jobs) {
    const size_t w = FirstTimeWorkload(task_);
    features_ = LaunchFeatures(bound_.workloads[w], limits_);
    for (size_t s = 0; s < bound_.workloads[w].steps.size(); ++s) {
      const auto* launch = std::get_if<BoundLaunch>(&program_.workloads[w].steps[s]);
      if (launch == nullptr) continue;
      const Resources& resources = resources_[jobs.of_step[w][s]];
      features_.registers = std::max(features_.registers, resources.code.registers);
      features_.spill_bytes = std::max(features_.spill_bytes, resources.code.stack_bytes);
      features_.shared_bytes =
          std::max(features_.shared_bytes, resources.code.shared_bytes + launch->shared_bytes);
      features_.threads_per_block =
          std::max(features_.threads_per_block, static_cast<int>(launch->block[0]));
      AddPtxFeatures(resources.kernel.assembly, &features_);
    }
    features_.uses_shared = features_.shared_bytes > 0;
  }

  const Task& task_;
  const std::string& source_;
  const BoundTask& bound_;
  const LaunchLimits& limits_;
  const std::vector<const PlanLaunch*> launches_;
  std::vector<Resources> resources_;  // of each job
  DeviceProgram program_;
  DeviceFeatures features_;
};

}  // namespace

std::string TritonArch(const std::string& arch) {
  return arch.starts_with("sm_") ? arch.substr(3) : arch;
}

Result<std::unique_ptr<TritonCompiler>> TritonCompiler::Create(const Sandbox& sandbox,
                                                               TritonCompilerOptions options,
                                                               std::stop_token stop) {
  if (options.python.triton_version.empty()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("no Triton in {}: {}", options.python.executable, kGetTriton)};
  }
  std::unique_ptr<TritonCompiler> compiler(
      new TritonCompiler(std::move(options)));  // private constructor
  const TritonCompilerOptions& kept = compiler->options_;
  WorkerPoolOptions pool;
  pool.name = "Triton";
  pool.workers = kept.workers;
  pool.sandbox.argv = {kept.python.executable, "-I", "-B", "-c",
                       fmt::format("import sys; sys.path.insert(0, '{}'); from kernelsmith.worker "
                                   "import main; main('{}', '{}', {})",
                                   kWorkerFolder, kept.backend, kept.arch, kept.limits.warp_size)};
  // Paths and lines of a source must not reach the code: equal code, equal hash.
  pool.sandbox.env = {"LC_ALL=C.UTF-8",     "HOME=/tmp",
                      "TMPDIR=/tmp",        "TRITON_CACHE_DIR=/tmp/cache",
                      "TRITON_HOME=/tmp",   "TRITON_DISABLE_LINE_INFO=1",
                      "PATH=/usr/bin:/bin", "PYTHONHASHSEED=0"};
  pool.sandbox.working_dir = "/tmp";
  pool.sandbox.mounts = PythonMounts(kept.python);
  for (const auto& [name, text] : WorkerFiles()) {
    pool.sandbox.files.push_back({fmt::format("{}/kernelsmith/{}", kWorkerFolder, name), text});
  }
  pool.sandbox.tmp_bytes = kTmpBytes;
  pool.sandbox.limits.processes = kProcesses;
  pool.sandbox.profile = SeccompProfile::kCompile;
  KS_ASSIGN_OR_RETURN(compiler->pool_,
                      WorkerPool::Create(sandbox, std::move(pool), std::move(stop)));
  compiler->version_ = "triton " + compiler->pool_->greeting();
  return compiler;
}

Result<CompileOutcome> TritonCompiler::Compile(const Task& task, const std::string& source,
                                               const CompileLimits& limits, std::stop_token stop) {
  const Clock::time_point start = Clock::now();
  auto planned = BindTask(task, source, options_.limits);
  if (auto* failed = std::get_if<CompileOutcome>(&planned)) return std::move(*failed);
  const BoundTask& bound = std::get<BoundTask>(planned);
  if (bound.plan.dialect != PlanDialect::kPython) {
    const PlanLaunch& launch = *bound.Launches().front();
    return CompileOutcome(
        Failed("directives of a Triton candidate begin with '# ksmith:'", launch.kernel.line, 1));
  }
  const TritonJobs jobs = JobsOf(bound, task);
  if (jobs.jobs.size() > kMaxJobs) {
    return CompileOutcome(LaunchFailed{fmt::format(
        "the workloads need {} differently specialised kernels; at most {} are compiled",
        jobs.jobs.size(), kMaxJobs)});
  }
  const CoreShare parallel(&in_flight_, pool_->workers());
  const TritonRequest request = {source,
                                 options_.backend,
                                 options_.arch,
                                 options_.limits.warp_size,
                                 limits.timeout_s,
                                 limits.memory_bytes + kBaseMemoryBytes,
                                 parallel.processes()};
  KS_ASSIGN_OR_RETURN(auto answer, pool_->Ask(EncodeRequest(request, jobs.jobs),
                                              limits.timeout_s + kGraceS, std::move(stop)));
  if (const auto* died = std::get_if<WorkerDied>(&answer)) {
    if (died->timed_out) return CompileOutcome(TimedOut{"compile", limits.timeout_s});
    return CompileOutcome(Failed(fmt::format("the compiler ended with signal {}", died->signal)));
  }
  auto reply = DecodeReply(std::get<std::string>(answer), jobs.jobs);
  if (!reply.ok()) return CompileOutcome(Failed(reply.error().message));
  if (auto ended = EndOf(*reply, limits.timeout_s)) return std::move(*ended);

  ProgramBuilder builder(task, source, bound, options_.limits);
  if (auto ended = builder.AddKernels(jobs.jobs, std::move(reply->kernels))) {
    return std::move(*ended);
  }
  if (auto ended = builder.AddWorkloads(jobs)) return std::move(*ended);
  CompiledKernel kernel;
  kernel.device = builder.features();
  kernel.binary = SerializeProgram(builder.program());
  kernel.binary_hash = ProgramHash(builder.program());
  kernel.compiler = version_;
  kernel.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return CompileOutcome(std::move(kernel));
}

}  // namespace ks
