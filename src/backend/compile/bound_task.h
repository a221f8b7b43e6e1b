// A candidate's launch plan on every workload of its task, and which of them share compiled code.
#ifndef KS_BACKEND_COMPILE_BOUND_TASK_H_
#define KS_BACKEND_COMPILE_BOUND_TASK_H_

#include <string_view>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "core/launch_plan.h"
#include "core/task.h"

namespace ks {

inline constexpr size_t kMaxVariants = 16;

struct BoundTask {
  LaunchPlan plan;
  std::vector<BoundPlan> workloads;  // task order
  // Distinct sets of values of the constants, and which of them a workload has.
  std::vector<AxisValues> variants;
  std::vector<uint32_t> variant_of;

  // The plan's launches, in order.
  std::vector<const PlanLaunch*> Launches() const;
};

// The second alternative is a CompileFailed or LaunchFailed.
std::variant<BoundTask, CompileOutcome> BindTask(const Task& task, std::string_view source,
                                                 const LaunchLimits& limits);

// What a compiled kernel's parameter takes: bytes, in order.
struct KernelParameters {
  std::vector<uint32_t> bytes;
};
// Null when `launch` passes what the kernel takes (count and sizes); else a complaint at the
// launch's directive. `hidden`: parameters that the compiler appended.
std::optional<Diagnostic> CheckArguments(std::string_view source, const Task& task,
                                         const PlanLaunch& plan, const BoundLaunch& launch,
                                         const KernelParameters& kernel, size_t hidden);

// What is known without the code: launches, threads, scratch, blocks a multiprocessor.
DeviceFeatures LaunchFeatures(const BoundPlan& plan, const LaunchLimits& limits);

// Of the first time workload; 0 when there is none.
size_t FirstTimeWorkload(const Task& task);

}  // namespace ks

#endif  // KS_BACKEND_COMPILE_BOUND_TASK_H_
