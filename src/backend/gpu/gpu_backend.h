// A GPU with a compiler for it: candidates are compiled without a device and launched by runners of
// one pool.
#ifndef KS_BACKEND_GPU_GPU_BACKEND_H_
#define KS_BACKEND_GPU_GPU_BACKEND_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "backend/device/device_backend.h"
#include "backend/device/profiled_call.h"
#include "backend/device/runner_pool.h"
#include "core/launch_plan.h"

namespace ks {

// As Backend::Compile.
using DeviceCompile =
    std::function<Result<CompileOutcome>(const Task& task, const std::string& source,
                                         const CompileLimits& limits, std::stop_token stop)>;

struct GpuBackendParts {
  std::string name;                      // "cuda", "triton"
  std::shared_ptr<RunnerPool> pool;      // may be shared by backends of one device
  std::unique_ptr<ProcessBackend> host;  // runs the references
  DeviceCompile compile;                 // thread-safe; owns what it needs
  std::string compiler;                  // "nvrtc 13.0", for the machine's list
  ProfilerOptions profiler;              // `thread` of its runner is the backend's own
};

// Thread-safe as far as `compile` is.
class GpuBackend final : public DeviceBackend {
 public:
  explicit GpuBackend(GpuBackendParts parts);

  std::string name() const override { return parts_.name; }
  std::string device_class() const override { return "gpu"; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override {
    return parts_.compile(task, source, limits, std::move(stop));
  }
  Result<std::unique_ptr<DeviceRunner>> TakeRunner(std::stop_token stop) override {
    return parts_.pool->Take(std::move(stop));
  }
  Result<std::unique_ptr<DeviceRunner>> TakeFresh(std::stop_token stop) override {
    return parts_.pool->TakeFresh(std::move(stop));
  }
  void ReturnRunner(std::unique_ptr<DeviceRunner> runner) override {
    parts_.pool->Return(std::move(runner));
  }
  ProcessBackend& reference_backend() override { return *parts_.host; }
  Result<std::string> Profile(const ProfiledCall& call, std::stop_token stop) override {
    ProfilerOptions options = parts_.profiler;
    options.runner.thread = &clones_;
    return ProfileOneCall(options, call, std::move(stop));
  }

 private:
  const GpuBackendParts parts_;
  const Machine machine_;
  CloneThread clones_;  // of profiled runners
};

// What launches on this device must keep.
LaunchLimits GpuLimits(const DeviceInfo& device);

}  // namespace ks

#endif  // KS_BACKEND_GPU_GPU_BACKEND_H_
