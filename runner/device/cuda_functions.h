// The part of the CUDA driver API and of NVML that is used here, declared from their documentation
// and resolved at run time.
#ifndef KS_RUNNER_DEVICE_CUDA_FUNCTIONS_H_
#define KS_RUNNER_DEVICE_CUDA_FUNCTIONS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace ks::cuda {

using Context = struct ContextObject*;
using Module = struct ModuleObject*;
using Function = struct FunctionObject*;
using Stream = struct StreamObject*;
using Event = struct EventObject*;
using DevicePointer = uint64_t;

// Results (CUresult).
inline constexpr int kSuccess = 0;
inline constexpr int kInvalidValue = 1;
inline constexpr int kOutOfMemory = 2;
inline constexpr int kInvalidImage = 200;
inline constexpr int kNoBinaryForGpu = 209;
inline constexpr int kInvalidPtx = 218;
inline constexpr int kUnsupportedPtxVersion = 222;
inline constexpr int kSharedObjectSymbolNotFound = 302;
inline constexpr int kNotFound = 500;
inline constexpr int kIllegalAddress = 700;
inline constexpr int kLaunchOutOfResources = 701;
inline constexpr int kLaunchTimeout = 702;
inline constexpr int kAssert = 710;
inline constexpr int kHardwareStackError = 714;
inline constexpr int kLaunchFailed = 719;
inline constexpr int kCooperativeLaunchTooLarge = 720;
inline constexpr int kInvalidClusterSize = 912;

// Attributes of devices (CUdevice_attribute).
inline constexpr int kMaxThreadsPerBlock = 1;
inline constexpr int kWarpSize = 10;
inline constexpr int kClockRateKhz = 13;
inline constexpr int kMultiprocessors = 16;
inline constexpr int kL2Bytes = 38;
inline constexpr int kThreadsPerMultiprocessor = 39;
inline constexpr int kCapabilityMajor = 75;
inline constexpr int kCapabilityMinor = 76;
inline constexpr int kSharedPerMultiprocessor = 81;
inline constexpr int kRegistersPerMultiprocessor = 82;
inline constexpr int kSharedPerBlockOptin = 97;

// Attributes of functions (CUfunction_attribute).
inline constexpr int kFunctionMaxThreads = 0;
inline constexpr int kFunctionStaticShared = 1;
inline constexpr int kFunctionLocalBytes = 3;
inline constexpr int kFunctionRegisters = 4;
inline constexpr int kFunctionMaxDynamicShared = 8;
inline constexpr int kFunctionNonPortableCluster = 14;

// Limits of contexts (CUlimit).
inline constexpr int kLimitPrintfFifo = 1;
inline constexpr int kLimitMallocHeap = 2;
inline constexpr int kLimitPersistingL2 = 6;

inline constexpr unsigned kStreamNonBlocking = 1;

// Attributes of launches (CUlaunchAttribute).
inline constexpr int kLaunchCooperative = 2;
inline constexpr int kLaunchClusterDimension = 4;
struct LaunchAttribute {
  int id = 0;
  int padding = 0;
  union Value {
    std::array<char, 64> bytes;
    int cooperative;
    std::array<unsigned, 3> cluster;
  } value{};
};
struct LaunchConfig {
  std::array<unsigned, 3> grid{};
  std::array<unsigned, 3> block{};
  unsigned shared_bytes = 0;
  Stream stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned attribute_count = 0;
};
static_assert(sizeof(LaunchAttribute) == 72 && sizeof(LaunchConfig) == 56);

// Null until Resolve. GetParamInfo may stay null (drivers before 12.4).
struct Functions {
  int (*Init)(unsigned) = nullptr;
  int (*DriverGetVersion)(int*) = nullptr;
  int (*GetErrorName)(int, const char**) = nullptr;
  int (*GetErrorString)(int, const char**) = nullptr;
  int (*DeviceGetCount)(int*) = nullptr;
  int (*DeviceGet)(int*, int) = nullptr;
  int (*DeviceGetName)(char*, int, int) = nullptr;
  int (*DeviceGetAttribute)(int*, int, int) = nullptr;
  int (*DeviceTotalMem)(size_t*, int) = nullptr;
  int (*DeviceGetPCIBusId)(char*, int, int) = nullptr;
  int (*PrimaryCtxRetain)(Context*, int) = nullptr;
  int (*CtxSetCurrent)(Context) = nullptr;
  int (*CtxSetLimit)(int, size_t) = nullptr;
  int (*CtxResetPersistingL2Cache)() = nullptr;
  int (*StreamCreate)(Stream*, unsigned) = nullptr;
  int (*StreamSynchronize)(Stream) = nullptr;
  int (*EventCreate)(Event*, unsigned) = nullptr;
  int (*EventRecord)(Event, Stream) = nullptr;
  int (*EventElapsedTime)(float*, Event, Event) = nullptr;
  int (*MemAlloc)(DevicePointer*, size_t) = nullptr;
  int (*MemFree)(DevicePointer) = nullptr;
  int (*MemcpyHtoDAsync)(DevicePointer, const void*, size_t, Stream) = nullptr;
  int (*MemcpyDtoHAsync)(void*, DevicePointer, size_t, Stream) = nullptr;
  int (*MemcpyDtoDAsync)(DevicePointer, DevicePointer, size_t, Stream) = nullptr;
  int (*MemsetD32Async)(DevicePointer, unsigned, size_t, Stream) = nullptr;
  int (*MemsetD8Async)(DevicePointer, unsigned char, size_t, Stream) = nullptr;
  int (*MemHostRegister)(void*, size_t, unsigned) = nullptr;
  int (*MemHostUnregister)(void*) = nullptr;
  int (*ModuleLoadData)(Module*, const void*) = nullptr;
  int (*ModuleUnload)(Module) = nullptr;
  int (*ModuleGetFunction)(Function*, Module, const char*) = nullptr;
  int (*FuncGetAttribute)(int*, int, Function) = nullptr;
  int (*FuncSetAttribute)(Function, int, int) = nullptr;
  int (*FuncGetParamInfo)(Function, size_t, size_t*, size_t*) = nullptr;
  int (*OccupancyMaxActiveBlocks)(int*, Function, int, size_t) = nullptr;
  int (*LaunchKernel)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                      unsigned, Stream, void**, void**) = nullptr;
  int (*LaunchKernelEx)(const LaunchConfig*, Function, void**, void**) = nullptr;
};

// Opens libcuda.so.1. ERRORS: kFailedPrecondition: it is missing or too old.
Result<Functions> Resolve();

// The management library; all null when it is not there.
struct Management {
  int (*Init)() = nullptr;
  int (*DeviceByPciBusId)(const char*, void**) = nullptr;
  int (*ClockInfo)(void*, int, unsigned*) = nullptr;
  int (*DriverVersion)(char*, unsigned) = nullptr;
};
Management ResolveManagement();

}  // namespace ks::cuda

#endif  // KS_RUNNER_DEVICE_CUDA_FUNCTIONS_H_
