// Runs device candidates (CUDA C++, OpenCL C) on a CPU and compares what they write. The launch
// plan is bound as for a device; each thread of a block is a fibre, so that barriers, shuffles and
// shared memory do what they say. Time, caches and races between blocks are not what a device has.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_EQUALITY_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_EQUALITY_H_

#include <string>
#include <vector>

#include "core/task.h"
#include "propose/device/device_skill.h"

namespace ks {

// Empty: `edited` compiles and writes what `original` writes at every size (floats within
// `tolerance` of the largest magnitude), within its buffers, with scratch that holds garbage. Else
// says what differs, which threads wait for each other for ever, or the compiler's message.
std::string DeviceDifferenceOf(const Task& task, const std::string& original,
                               const std::string& edited, const std::vector<AxisValues>& sizes,
                               double tolerance = 2e-5);

// Edits of the skill of that name.
std::vector<Edit> DeviceEditsOf(const std::string& skill, const Task& task,
                                const std::string& source, const std::string& backend);

// Applies the skill and compares every edit (at most `limit`). Returns how many edits there are.
int ExpectDeviceEditsKeepResult(const std::string& skill, const Task& task,
                                const std::string& source, const std::string& backend,
                                const std::vector<AxisValues>& sizes, int limit = 2);

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_EQUALITY_H_
