#include "backend/compile/bound_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/launch_plan_text.h"

namespace ks {
namespace {

CompileOutcome FailedAt(Diagnostic diagnostic) {
  CompileFailed failed;
  failed.log =
      fmt::format("line {}, column {}: {}", diagnostic.line, diagnostic.column, diagnostic.message);
  failed.diagnostics = {std::move(diagnostic)};
  return failed;
}

// Bytes of an argument; 0: any integer type that holds its value.
uint32_t BytesOf(const BoundArgument& argument, const Task& task) {
  switch (argument.kind) {
    case BoundArgument::Kind::kInput:
    case BoundArgument::Kind::kOutput:
    case BoundArgument::Kind::kScratch:
      return 8;
    case BoundArgument::Kind::kScalar:
      return static_cast<uint32_t>(SizeOf(task.inputs[argument.index].dtype));
    case BoundArgument::Kind::kInteger:
      return 0;
  }
  return 0;
}

bool Holds(uint32_t bytes, int64_t value) {
  if (bytes >= 8) return bytes == 8;
  const int64_t most = int64_t{1} << (8 * bytes - 1);
  return (bytes == 4 || bytes == 2 || bytes == 1) && value >= -most && value < 2 * most;
}

}  // namespace

std::vector<const PlanLaunch*> BoundTask::Launches() const {
  std::vector<const PlanLaunch*> launches;
  for (const PlanStep& step : plan.steps) {
    if (const auto* launch = std::get_if<PlanLaunch>(&step)) launches.push_back(launch);
  }
  return launches;
}

std::variant<BoundTask, CompileOutcome> BindTask(const Task& task, std::string_view source,
                                                 const LaunchLimits& limits) {
  auto parsed = ParseLaunchPlan(source);
  if (auto* wrong = std::get_if<Diagnostic>(&parsed)) return FailedAt(std::move(*wrong));
  BoundTask bound;
  bound.plan = std::move(std::get<LaunchPlan>(parsed));
  for (const Workload& workload : task.workloads) {
    auto plan = BindLaunchPlan(bound.plan, source, task, workload, limits);
    if (auto* wrong = std::get_if<Diagnostic>(&plan)) return FailedAt(std::move(*wrong));
    if (auto* beyond = std::get_if<LaunchFailed>(&plan)) return CompileOutcome(std::move(*beyond));
    auto& good = std::get<BoundPlan>(plan);
    const auto known = std::find(bound.variants.begin(), bound.variants.end(), good.constants);
    bound.variant_of.push_back(static_cast<uint32_t>(known - bound.variants.begin()));
    if (known == bound.variants.end()) bound.variants.push_back(good.constants);
    bound.workloads.push_back(std::move(good));
  }
  if (bound.variants.size() > kMaxVariants) {
    return CompileOutcome(LaunchFailed{
        fmt::format("the constants take {} distinct sets of values over the workloads; at most {} "
                    "are compiled",
                    bound.variants.size(), kMaxVariants)});
  }
  return bound;
}

std::optional<Diagnostic> CheckArguments(std::string_view source, const Task& task,
                                         const PlanLaunch& plan, const BoundLaunch& launch,
                                         const KernelParameters& kernel, size_t hidden) {
  const size_t takes = kernel.bytes.size() - std::min(hidden, kernel.bytes.size());
  if (takes != launch.args.size()) {
    return PlanErrorAt(source, plan.kernel, 0,
                       fmt::format("the kernel takes {} arguments, this launch passes {}", takes,
                                   launch.args.size()));
  }
  for (size_t i = 0; i < takes; ++i) {
    const uint32_t bytes = kernel.bytes[i];
    const uint32_t want = BytesOf(launch.args[i], task);
    const bool fits = want == 0 ? Holds(bytes, launch.args[i].value) : bytes == want;
    if (fits) continue;
    const PlanText& at = plan.args_given ? plan.args[i] : plan.kernel;
    if (want == 0) {
      return PlanErrorAt(source, at, 0,
                         fmt::format("argument {} is {}, the parameter has {} bytes", i + 1,
                                     launch.args[i].value, bytes));
    }
    return PlanErrorAt(
        source, at, 0,
        fmt::format("argument {} has {} bytes, the parameter {}", i + 1, want, bytes));
  }
  return std::nullopt;
}

DeviceFeatures LaunchFeatures(const BoundPlan& plan, const LaunchLimits& limits) {
  DeviceFeatures features;
  features.launches = static_cast<int>(plan.steps.size());
  for (const uint64_t bytes : plan.scratch_bytes) {
    features.scratch_bytes += static_cast<int64_t>(bytes);
  }
  for (const BoundStep& step : plan.steps) {
    const auto* launch = std::get_if<BoundLaunch>(&step);
    if (launch == nullptr) continue;
    const double blocks = static_cast<double>(launch->grid[0]) *
                          static_cast<double>(launch->grid[1]) *
                          static_cast<double>(launch->grid[2]);
    features.blocks_per_sm =
        std::max(features.blocks_per_sm,
                 blocks / static_cast<double>(std::max<int64_t>(1, limits.sm_count)));
    features.threads_per_block =
        std::max(features.threads_per_block,
                 static_cast<int>(launch->block[0] * launch->block[1] * launch->block[2]));
  }
  return features;
}

size_t FirstTimeWorkload(const Task& task) {
  const auto is_time = [](const Workload& w) { return w.role == WorkloadRole::kTime; };
  const auto found = std::find_if(task.workloads.begin(), task.workloads.end(), is_time);
  return found == task.workloads.end() ? 0 : static_cast<size_t>(found - task.workloads.begin());
}

}  // namespace ks
