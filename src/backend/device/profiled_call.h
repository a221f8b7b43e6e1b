// One call of a candidate in a device runner that NVIDIA's profiler starts.
#ifndef KS_BACKEND_DEVICE_PROFILED_CALL_H_
#define KS_BACKEND_DEVICE_PROFILED_CALL_H_

#include <string>

#include "backend/device/device_runner_process.h"

namespace ks {

struct ProfilerOptions {
  std::string program;  // ncu; empty: there is none
  std::string folder;   // for temporary files
  DeviceRunnerOptions runner;
};

// What the call works on.
struct ProfiledCall {
  const Task& task;
  const CompiledKernel& kernel;
  size_t workload = 0;
  const std::vector<Bytes>& inputs;
  std::string metrics;  // as `ncu --metrics` takes them
};

// The profiler's report (CSV, raw page, base units) on the launches of one call, helpers of the
// runner included. The runner is a file in a folder of its own while it runs; nothing stays behind.
// ERRORS: kFailedPrecondition: no profiler, or it wrote no report; kUnavailable: the runner did not
// start under it or the candidate failed there; kCancelled.
Result<std::string> ProfileOneCall(const ProfilerOptions& options, const ProfiledCall& call,
                                   std::stop_token stop);

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_PROFILED_CALL_H_
