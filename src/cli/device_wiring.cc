#include "cli/device_wiring.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "backend/device/device_runner_process.h"
#include "backend/opencl/opencl_backend.h"

namespace ks {
namespace {

constexpr int kMostDevices = 64;
// What drivers and their loaders look at.
constexpr const char* kDriverVariables[] = {"LD_LIBRARY_PATH",   "CUDA_VISIBLE_DEVICES",
                                            "CUDA_DEVICE_ORDER", "OCL_ICD_VENDORS",
                                            "OCL_ICD_FILENAMES", "OPENCL_VENDOR_PATH"};

std::vector<std::string> DriverEnvironment() {
  std::vector<std::string> env;
  for (const char* name : kDriverVariables) {
    if (const char* value = std::getenv(name)) env.push_back(fmt::format("{}={}", name, value));
  }
  return env;
}

DeviceListing DevicesOf(const std::string& api, std::vector<std::string> backends) {
  DeviceListing found{api, std::move(backends), {}, ""};
  CloneThread clones;
  for (int index = 0; index < kMostDevices; ++index) {
    DeviceRunnerOptions options;
    options.api = api;
    options.index = index;
    options.env = DriverEnvironment();
    options.thread = &clones;
    const auto runner = DeviceRunnerProcess::Start(options, {});
    if (!runner.ok()) {
      if (index == 0) found.problem = runner.error().message;
      break;
    }
    found.devices.push_back((*runner)->info());
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<DeviceBackend>> OpenDeviceBackend(const std::string& name, int device,
                                                         std::unique_ptr<ProcessBackend> host) {
  if (name == "opencl") {
    OpenClOptions options;
    options.device = device;
    options.env = DriverEnvironment();
    options.host = std::move(host);
    KS_ASSIGN_OR_RETURN(std::unique_ptr<OpenClBackend> backend,
                        OpenClBackend::Create(std::move(options), {}));
    return std::unique_ptr<DeviceBackend>(std::move(backend));
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no backend for devices (known: opencl)", name)};
}

std::vector<DeviceListing> FindDevices() {
  return {DevicesOf("cuda", {"cuda", "triton"}), DevicesOf("opencl", {"opencl"})};
}

}  // namespace ks
