// From the numbers of a launch directive to what the driver takes, with every limit checked.
#ifndef KS_RUNNER_DEVICE_ARGUMENTS_H_
#define KS_RUNNER_DEVICE_ARGUMENTS_H_

#include <vector>

#include "buffers.h"
#include "core/launch_plan.h"

namespace ks {

// What a launch's arguments refer to. Only points.
struct CallBuffers {
  const TaskLayout& task;
  const WorkloadBuffers& buffers;
  const std::vector<BufferView>& scratch;
};

// Integers are converted to the parameter's real size, scalars of the task too (also between float
// and double); hidden parameters become zeros, and each __local parameter gets the launch's shared
// memory. ERRORS: kInvalidArgument with the kernel's name and what it takes.
Result<std::vector<LaunchArgument>> MakeArguments(const DeviceKernel& kernel,
                                                  const KernelInfo& info, const BoundLaunch& launch,
                                                  const CallBuffers& call);

// ERRORS: kInvalidArgument: more threads or shared memory than the device or the kernel allows.
Result<LaunchShape> MakeShape(const DeviceKernel& kernel, const KernelInfo& info,
                              const BoundLaunch& launch, const DeviceInfo& device);

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_ARGUMENTS_H_
