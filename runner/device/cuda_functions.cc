#include "cuda_functions.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace ks::cuda {
namespace {

template <typename Function>
void Take(void* library, const char* name, Function** to, std::string* missing) {
  *to = reinterpret_cast<Function*>(dlsym(library, name));
  if (*to == nullptr) *missing += fmt::format("{}{}", missing->empty() ? "" : ", ", name);
}

}  // namespace

Result<Functions> Resolve() {
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Error{ErrorCode::kFailedPrecondition,
                 "libcuda.so.1 is not there: install the NVIDIA driver (in a container, start it "
                 "with access to the GPUs)"};
  }
  Functions all;
  std::string missing;
  const auto take = [&](const char* name, auto** to) { Take(library, name, to, &missing); };
  take("cuInit", &all.Init);
  take("cuDriverGetVersion", &all.DriverGetVersion);
  take("cuGetErrorName", &all.GetErrorName);
  take("cuGetErrorString", &all.GetErrorString);
  take("cuDeviceGetCount", &all.DeviceGetCount);
  take("cuDeviceGet", &all.DeviceGet);
  take("cuDeviceGetName", &all.DeviceGetName);
  take("cuDeviceGetAttribute", &all.DeviceGetAttribute);
  take("cuDeviceTotalMem_v2", &all.DeviceTotalMem);
  take("cuDeviceGetPCIBusId", &all.DeviceGetPCIBusId);
  take("cuDevicePrimaryCtxRetain", &all.PrimaryCtxRetain);
  take("cuCtxSetCurrent", &all.CtxSetCurrent);
  take("cuCtxSetLimit", &all.CtxSetLimit);
  take("cuCtxResetPersistingL2Cache", &all.CtxResetPersistingL2Cache);
  take("cuStreamCreate", &all.StreamCreate);
  take("cuStreamSynchronize", &all.StreamSynchronize);
  take("cuEventCreate", &all.EventCreate);
  take("cuEventRecord", &all.EventRecord);
  take("cuEventElapsedTime", &all.EventElapsedTime);
  take("cuMemAlloc_v2", &all.MemAlloc);
  take("cuMemFree_v2", &all.MemFree);
  take("cuMemcpyHtoDAsync_v2", &all.MemcpyHtoDAsync);
  take("cuMemcpyDtoHAsync_v2", &all.MemcpyDtoHAsync);
  take("cuMemcpyDtoDAsync_v2", &all.MemcpyDtoDAsync);
  take("cuMemsetD32Async", &all.MemsetD32Async);
  take("cuMemsetD8Async", &all.MemsetD8Async);
  take("cuMemHostRegister_v2", &all.MemHostRegister);
  take("cuMemHostUnregister", &all.MemHostUnregister);
  take("cuModuleLoadData", &all.ModuleLoadData);
  take("cuModuleUnload", &all.ModuleUnload);
  take("cuModuleGetFunction", &all.ModuleGetFunction);
  take("cuFuncGetAttribute", &all.FuncGetAttribute);
  take("cuFuncSetAttribute", &all.FuncSetAttribute);
  take("cuOccupancyMaxActiveBlocksPerMultiprocessor", &all.OccupancyMaxActiveBlocks);
  take("cuLaunchKernel", &all.LaunchKernel);
  take("cuLaunchKernelEx", &all.LaunchKernelEx);
  if (!missing.empty()) {
    return Error{ErrorCode::kFailedPrecondition,
                 "the NVIDIA driver is older than CUDA 11.8: it lacks " + missing};
  }
  std::string optional;
  Take(library, "cuFuncGetParamInfo", &all.FuncGetParamInfo, &optional);
  return all;
}

Management ResolveManagement() {
  Management all;
  void* const library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return all;
  std::string missing;
  Take(library, "nvmlInit_v2", &all.Init, &missing);
  Take(library, "nvmlDeviceGetHandleByPciBusId_v2", &all.DeviceByPciBusId, &missing);
  Take(library, "nvmlDeviceGetClockInfo", &all.ClockInfo, &missing);
  Take(library, "nvmlSystemGetDriverVersion", &all.DriverVersion, &missing);
  return missing.empty() ? all : Management{};
}

}  // namespace ks::cuda
