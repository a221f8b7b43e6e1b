#include "backend/opencl/opencl_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backend/compile/bound_task.h"
#include "backend/device/program.h"
#include "backend/opencl/opencl_source.h"
#include "base/hash.h"
#include "core/kernel_source.h"

namespace ks {
namespace {

constexpr size_t kMaxLogBytes = 8 << 10;
constexpr int64_t kMostGroups = 2147483647;
constexpr int kMostDevices = 64;

LaunchLimits LimitsOf(const DeviceInfo& device) {
  LaunchLimits limits;
  limits.max_threads_per_block = device.max_threads_per_block;
  for (int64_t& most : limits.max_grid) most = kMostGroups;
  for (int64_t& most : limits.max_block) most = device.max_threads_per_block;
  limits.max_shared_bytes = device.shared_bytes_per_block;
  limits.sm_count = device.sm_count;
  limits.warp_size = static_cast<uint32_t>(std::max(1, device.warp_size));
  if (device.memory_bytes > 0) limits.max_scratch_bytes = device.memory_bytes / 4;
  return limits;
}

Machine MachineWith(const Machine& host, const DeviceInfo& device) {
  Machine machine = host;
  machine.device = device;
  machine.id = Sha256Hex(fmt::format("{}/{}/{}/{}/{}/{}", host.id, device.api, device.name,
                                     device.arch, device.driver, device.sm_count))
                   .substr(0, 16);
  return machine;
}

// Modules, kernels and launches of every workload. REQUIRES: `options` has one text a variant.
DeviceProgram Assemble(const BoundTask& bound, const std::string& source,
                       const std::vector<std::string>& options) {
  DeviceProgram program;
  const std::vector<const PlanLaunch*> launches = bound.Launches();
  for (uint32_t variant = 0; variant < bound.variants.size(); ++variant) {
    program.modules.push_back({ModuleKind::kOpenClSource, source, options[variant]});
    for (const PlanLaunch* launch : launches) {
      program.kernels.push_back({variant, launch->kernel.text, 0, launch->kernel.text});
    }
  }
  for (size_t i = 0; i < bound.workloads.size(); ++i) {
    const auto first = static_cast<uint32_t>(bound.variant_of[i] * launches.size());
    DeviceWorkload workload{bound.workloads[i].scratch_bytes, bound.workloads[i].steps};
    for (BoundStep& step : workload.steps) {
      if (auto* launch = std::get_if<BoundLaunch>(&step)) launch->kernel += first;
    }
    program.workloads.push_back(std::move(workload));
  }
  return program;
}

CompileFailed FromLog(std::string log) {
  CompileFailed failed;
  failed.diagnostics = ParseOpenClLog(log);
  if (log.size() > kMaxLogBytes) log.resize(kMaxLogBytes);
  failed.log = std::move(log);
  return failed;
}

// What a failed build is as the outcome of a compile.
CompileOutcome AsCompileOutcome(Outcome fault) {
  if (auto* failed = std::get_if<CompileFailed>(&fault)) return FromLog(std::move(failed->log));
  if (auto* failed = std::get_if<LaunchFailed>(&fault)) return std::move(*failed);
  if (auto* late = std::get_if<TimedOut>(&fault)) return TimedOut{"compile", late->limit_s};
  if (auto* memory = std::get_if<OutOfMemory>(&fault)) {
    return OutOfMemory{"compile", memory->requested_bytes};
  }
  if (auto* rejected = std::get_if<Rejected>(&fault)) return std::move(*rejected);
  return CompileFailed{{}, "the driver's compiler broke on this source: " + OutcomeSummary(fault)};
}

// A device as a runner finds it: in a sandbox the numbers may differ from those outside.
struct Found {
  int raw_index = 0;
  bool sandboxed = false;
  DeviceInfo info;  // `index`: what a user calls it
};

// A look at one device by a process that never meets a candidate.
Result<DeviceInfo> Look(int raw_index, const std::vector<std::string>& env, const Sandbox* sandbox,
                        std::stop_token stop) {
  CloneThread clones;
  DeviceRunnerOptions runner;
  runner.api = "opencl";
  runner.index = raw_index;
  runner.env = env;
  runner.sandbox = sandbox;
  runner.thread = &clones;
  return DeviceRunnerProcess::Describe(runner, std::move(stop));
}

// Calls visit(Found) until it returns true: processors first, in the sandbox where their candidates
// will run, then what is seen outside and is no processor. The error: why the first look failed.
template <typename Visit>
Status VisitDevices(const std::vector<std::string>& env, const Sandbox& sandbox,
                    const std::stop_token& stop, Visit visit) {
  Status first;
  int index = 0;
  for (const bool sandboxed : {true, false}) {
    for (int raw = 0; raw < kMostDevices; ++raw) {
      const Result<DeviceInfo> seen = Look(raw, env, sandboxed ? &sandbox : nullptr, stop);
      if (!seen.ok()) {
        if (first.ok()) first = seen.error();
        break;
      }
      if (seen->is_cpu != sandboxed) continue;
      Found found{raw, sandboxed, *seen};
      found.info.index = index++;
      if (visit(std::move(found))) return {};
    }
  }
  return first.ok() ? Error{ErrorCode::kFailedPrecondition, "no OpenCL device"} : first.error();
}

Result<std::unique_ptr<RunnerPool>> NewPool(const Found& device, std::vector<std::string> env,
                                            const Sandbox* sandbox, std::stop_token stop) {
  RunnerPoolOptions pool;
  pool.runner.api = "opencl";
  pool.runner.index = device.raw_index;
  pool.runner.env = std::move(env);
  pool.runner.sandbox = device.sandboxed ? sandbox : nullptr;
  pool.reuse_after_load = !device.sandboxed;
  return RunnerPool::Create(std::move(pool), std::move(stop));
}

}  // namespace

OpenClListing ListOpenClDevices(const std::vector<std::string>& env, std::stop_token stop) {
  OpenClListing listing;
  const Result<std::unique_ptr<Sandbox>> sandbox = Sandbox::Create();
  if (!sandbox.ok()) {
    listing.problem = sandbox.error().message;
    return listing;
  }
  const Status end = VisitDevices(env, **sandbox, stop, [&](Found found) {
    listing.devices.push_back(std::move(found.info));
    return false;
  });
  if (listing.devices.empty()) listing.problem = end.error().message;
  return listing;
}

Result<std::unique_ptr<OpenClBackend>> OpenClBackend::Create(OpenClOptions options,
                                                             std::stop_token stop) {
  KS_CHECK(options.host != nullptr);
  std::unique_ptr<OpenClBackend> self(new OpenClBackend(std::move(options.host)));  // private
  KS_ASSIGN_OR_RETURN(self->sandbox_, Sandbox::Create());
  std::optional<Found> device;
  const Status looked = VisitDevices(options.env, *self->sandbox_, stop, [&](const Found& found) {
    if (found.info.index == options.device) device = found;
    return device.has_value();
  });
  if (!device) {
    return Error{looked.error().code, fmt::format("there is no OpenCL device {} here: {}",
                                                  options.device, looked.error().message)};
  }
  KS_ASSIGN_OR_RETURN(
      self->pool_, NewPool(*device, std::move(options.env), self->sandbox_.get(), std::move(stop)));
  DeviceInfo info = self->pool_->info();
  info.index = options.device;
  self->machine_ = MachineWith(self->host_->machine(), info);
  self->limits_ = LimitsOf(info);
  return self;
}

DeviceResult<LoadedProgram> OpenClBackend::Build(const Task& task, const CompiledKernel& kernel,
                                                 std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  const std::string open = task.name + " " + task.hash;
  for (const bool again : {true, false}) {
    if (builder_ == nullptr || !builder_->alive()) {
      KS_ASSIGN_OR_RETURN(builder_, pool_->Take(stop));
      builder_task_.clear();
    }
    const Status opened = builder_task_ == open ? Status() : builder_->OpenTask(task);
    if (!opened.ok() && !(again && opened.error().code == ErrorCode::kUnavailable)) {
      return opened.error();
    }
    if (!opened.ok()) continue;
    builder_task_ = open;
    auto built = builder_->Load(kernel, stop);
    if (!built.ok() && again && built.error().code == ErrorCode::kUnavailable) continue;
    if (built.ok() && std::holds_alternative<LoadedProgram>(*built)) {
      // When it fails the builder is dead and the next build takes another.
      (void)builder_->Unload(std::get<LoadedProgram>(*built).handle);
    }
    return built;
  }
  return Error{ErrorCode::kInternal, "unreachable"};
}

Result<CompileOutcome> OpenClBackend::Compile(const Task& task, const std::string& source,
                                              const CompileLimits&, std::stop_token stop) {
  auto bound = BindTask(task, source, limits_);
  if (auto* refused = std::get_if<CompileOutcome>(&bound)) return std::move(*refused);
  const BoundTask& plan = std::get<BoundTask>(bound);
  const std::vector<std::string> flags = ParseBuildDirectives(source).flags;
  std::vector<std::string> options;
  for (const AxisValues& constants : plan.variants) {
    auto text = OpenClBuildOptions(flags, constants, task);
    if (auto* rejected = std::get_if<Rejected>(&text)) return CompileOutcome(std::move(*rejected));
    options.push_back(std::get<std::string>(std::move(text)));
  }
  const DeviceProgram program = Assemble(plan, source, options);
  CompiledKernel kernel;
  kernel.binary = SerializeProgram(program);
  kernel.binary_hash = ProgramHash(program);
  kernel.compiler = "OpenCL driver " + machine_.device->driver;
  kernel.flags = options.front();
  kernel.device = LaunchFeatures(plan.workloads[FirstTimeWorkload(task)], limits_);
  NoteOpenClWords(source, *kernel.device);
  KS_ASSIGN_OR_RETURN(auto built, Build(task, kernel, std::move(stop)));
  if (auto* fault = std::get_if<Outcome>(&built)) return AsCompileOutcome(std::move(*fault));
  const DeviceFeatures& seen = std::get<LoadedProgram>(built).features;
  kernel.device->shared_bytes = std::max(kernel.device->shared_bytes, seen.shared_bytes);
  kernel.device->registers = std::max(kernel.device->registers, seen.registers);
  kernel.device->occupancy = std::max(kernel.device->occupancy, seen.occupancy);
  return CompileOutcome(std::move(kernel));
}

}  // namespace ks
