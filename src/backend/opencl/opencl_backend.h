// OpenCL C candidates on any OpenCL 1.2 device; a CPU driver (PoCL) makes the whole device path run
// where there is no GPU.
#ifndef KS_BACKEND_OPENCL_OPENCL_BACKEND_H_
#define KS_BACKEND_OPENCL_OPENCL_BACKEND_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/device/device_backend.h"
#include "backend/device/runner_pool.h"
#include "core/launch_plan.h"
#include "sandbox/sandbox.h"

namespace ks {

struct OpenClOptions {
  int device = 0;                        // as ListOpenClDevices counts them
  std::vector<std::string> env;          // "NAME=value" for the runners
  std::unique_ptr<ProcessBackend> host;  // runs the references
};

struct OpenClListing {
  std::vector<DeviceInfo> devices;  // their `index` is their place here
  std::string problem;              // why there is none
};
// Processors first, then other devices. Starts a process for each look.
OpenClListing ListOpenClDevices(const std::vector<std::string>& env, std::stop_token stop);

// Thread-safe. A candidate is built by the device's own driver, in a runner that is kept for
// building only; where the device is the host's processor, candidates are native code, and every
// runner is a sandboxed process that serves one check or comparison.
class OpenClBackend final : public DeviceBackend {
 public:
  // REQUIRES: options.host. ERRORS: kFailedPrecondition (no driver, no such device, no sandbox:
  // what to do about it).
  static Result<std::unique_ptr<OpenClBackend>> Create(OpenClOptions options, std::stop_token stop);

  std::string name() const override { return "opencl"; }
  std::string device_class() const override { return machine_.device->is_cpu ? "cpu" : "gpu"; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;
  Result<std::unique_ptr<DeviceRunner>> TakeRunner(std::stop_token stop) override {
    return pool_->Take(std::move(stop));
  }
  Result<std::unique_ptr<DeviceRunner>> TakeFresh(std::stop_token stop) override {
    return pool_->TakeFresh(std::move(stop));
  }
  void ReturnRunner(std::unique_ptr<DeviceRunner> runner) override {
    pool_->Return(std::move(runner));
  }
  ProcessBackend& reference_backend() override { return *host_; }

 private:
  explicit OpenClBackend(std::unique_ptr<ProcessBackend> host) : host_(std::move(host)) {}
  // Builds it on the device; features of the launches, or what is wrong.
  DeviceResult<LoadedProgram> Build(const Task& task, const CompiledKernel& kernel,
                                    std::stop_token stop);

  // Constant after construction.
  const std::unique_ptr<ProcessBackend> host_;
  std::unique_ptr<Sandbox> sandbox_;  // where runners of a processor live
  std::unique_ptr<RunnerPool> pool_;
  Machine machine_;
  LaunchLimits limits_;

  std::mutex mutex_;                       // guards all below
  std::unique_ptr<DeviceRunner> builder_;  // null until needed
  std::string builder_task_;               // hash and name of the task open on it
};

}  // namespace ks

#endif  // KS_BACKEND_OPENCL_OPENCL_BACKEND_H_
