// Seeds of the task library for devices, with sizes that a CPU runs in no time.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_SEEDS_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_SEEDS_H_

#include <string>
#include <vector>

#include "core/task.h"

namespace ks {

struct DeviceSeed {
  Task task;
  std::string source;
  std::vector<AxisValues> sizes;  // ones, odd, and some that vectors fit
};

// The library's seed of that task for "cuda", "opencl" or "triton"; aborts when there is none.
DeviceSeed DeviceSeedOf(const std::string& task, const std::string& backend);

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_SEEDS_H_
