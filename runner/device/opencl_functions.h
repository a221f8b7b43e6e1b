// The part of OpenCL 1.2 that is used here, declared from the specification and resolved at run
// time.
#ifndef KS_RUNNER_DEVICE_OPENCL_FUNCTIONS_H_
#define KS_RUNNER_DEVICE_OPENCL_FUNCTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace ks::cl {

using Platform = struct PlatformObject*;
using Device = struct DeviceObject*;
using Context = struct ContextObject*;
using Queue = struct QueueObject*;
using Memory = struct MemoryObject*;
using Program = struct ProgramObject*;
using Kernel = struct KernelObject*;
using Event = struct EventObject*;

inline constexpr int32_t kSuccess = 0;
inline constexpr int32_t kMemObjectAllocationFailure = -4;
inline constexpr int32_t kOutOfResources = -5;
inline constexpr int32_t kOutOfHostMemory = -6;
inline constexpr int32_t kBuildProgramFailure = -11;
inline constexpr int32_t kExecStatusErrorInWaitList = -14;
inline constexpr int32_t kInvalidKernelName = -46;
inline constexpr int32_t kInvalidKernelArgs = -52;
inline constexpr int32_t kInvalidWorkDimension = -53;
inline constexpr int32_t kInvalidWorkGroupSize = -54;
inline constexpr int32_t kInvalidWorkItemSize = -55;
inline constexpr int32_t kInvalidBufferSize = -61;
inline constexpr int32_t kInvalidGlobalWorkSize = -63;

inline constexpr uint64_t kDeviceTypeCpu = 1u << 1;
inline constexpr uint64_t kDeviceTypeAll = 0xFFFFFFFFu;
inline constexpr uint32_t kDeviceType = 0x1000;
inline constexpr uint32_t kDeviceMaxComputeUnits = 0x1002;
inline constexpr uint32_t kDeviceMaxWorkGroupSize = 0x1004;
inline constexpr uint32_t kDeviceMaxClockFrequency = 0x100C;
inline constexpr uint32_t kDeviceMemBaseAddrAlign = 0x1019;
inline constexpr uint32_t kDeviceGlobalMemCacheSize = 0x101E;
inline constexpr uint32_t kDeviceGlobalMemSize = 0x101F;
inline constexpr uint32_t kDeviceLocalMemSize = 0x1023;
inline constexpr uint32_t kDeviceName = 0x102B;
inline constexpr uint32_t kDriverVersion = 0x102D;
inline constexpr uint32_t kDeviceVersion = 0x102F;
inline constexpr uint32_t kDeviceExtensions = 0x1030;
inline constexpr uint64_t kQueueProfiling = 1u << 1;
inline constexpr uint64_t kMemReadWrite = 1u << 0;
inline constexpr uint32_t kBufferCreateTypeRegion = 0x1220;
inline constexpr uint32_t kProgramBinarySizes = 0x1165;
inline constexpr uint32_t kProgramBinaries = 0x1166;
inline constexpr uint32_t kProgramBuildLog = 0x1183;
inline constexpr uint32_t kKernelNumArgs = 0x1191;
inline constexpr uint32_t kKernelArgAddressQualifier = 0x1196;
inline constexpr uint32_t kKernelArgTypeName = 0x1198;
inline constexpr uint32_t kAddressGlobal = 0x119B;
inline constexpr uint32_t kAddressLocal = 0x119C;
inline constexpr uint32_t kAddressConstant = 0x119D;
inline constexpr uint32_t kKernelWorkGroupSize = 0x11B0;
inline constexpr uint32_t kKernelLocalMemSize = 0x11B2;
inline constexpr uint32_t kKernelPrivateMemSize = 0x11B4;
inline constexpr uint32_t kProfilingStart = 0x1282;
inline constexpr uint32_t kProfilingEnd = 0x1283;

struct BufferRegion {
  size_t origin = 0;
  size_t size = 0;
};

// Null until Resolve.
struct Functions {
  int32_t (*GetPlatformIDs)(uint32_t, Platform*, uint32_t*) = nullptr;
  int32_t (*GetDeviceIDs)(Platform, uint64_t, uint32_t, Device*, uint32_t*) = nullptr;
  int32_t (*GetDeviceInfo)(Device, uint32_t, size_t, void*, size_t*) = nullptr;
  Context (*CreateContext)(const intptr_t*, uint32_t, const Device*, const void*, void*,
                           int32_t*) = nullptr;
  Queue (*CreateCommandQueue)(Context, Device, uint64_t, int32_t*) = nullptr;
  Memory (*CreateBuffer)(Context, uint64_t, size_t, void*, int32_t*) = nullptr;
  Memory (*CreateSubBuffer)(Memory, uint64_t, uint32_t, const void*, int32_t*) = nullptr;
  int32_t (*ReleaseMemObject)(Memory) = nullptr;
  Program (*CreateProgramWithSource)(Context, uint32_t, const char**, const size_t*,
                                     int32_t*) = nullptr;
  Program (*CreateProgramWithBinary)(Context, uint32_t, const Device*, const size_t*,
                                     const unsigned char**, int32_t*, int32_t*) = nullptr;
  int32_t (*BuildProgram)(Program, uint32_t, const Device*, const char*, const void*,
                          void*) = nullptr;
  int32_t (*GetProgramBuildInfo)(Program, Device, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*GetProgramInfo)(Program, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*ReleaseProgram)(Program) = nullptr;
  Kernel (*CreateKernel)(Program, const char*, int32_t*) = nullptr;
  int32_t (*ReleaseKernel)(Kernel) = nullptr;
  int32_t (*GetKernelInfo)(Kernel, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*GetKernelArgInfo)(Kernel, uint32_t, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*GetKernelWorkGroupInfo)(Kernel, Device, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*SetKernelArg)(Kernel, uint32_t, size_t, const void*) = nullptr;
  int32_t (*EnqueueNDRangeKernel)(Queue, Kernel, uint32_t, const size_t*, const size_t*,
                                  const size_t*, uint32_t, const Event*, Event*) = nullptr;
  int32_t (*EnqueueWriteBuffer)(Queue, Memory, uint32_t, size_t, size_t, const void*, uint32_t,
                                const Event*, Event*) = nullptr;
  int32_t (*EnqueueReadBuffer)(Queue, Memory, uint32_t, size_t, size_t, void*, uint32_t,
                               const Event*, Event*) = nullptr;
  int32_t (*EnqueueCopyBuffer)(Queue, Memory, Memory, size_t, size_t, size_t, uint32_t,
                               const Event*, Event*) = nullptr;
  int32_t (*EnqueueFillBuffer)(Queue, Memory, const void*, size_t, size_t, size_t, uint32_t,
                               const Event*, Event*) = nullptr;
  int32_t (*Finish)(Queue) = nullptr;
  int32_t (*Flush)(Queue) = nullptr;
  int32_t (*GetEventProfilingInfo)(Event, uint32_t, size_t, void*, size_t*) = nullptr;
  int32_t (*ReleaseEvent)(Event) = nullptr;
};

// Opens libOpenCL.so.1. ERRORS: kFailedPrecondition: it is missing or too old.
Result<Functions> Resolve();
// "CL_OUT_OF_RESOURCES (-5)"
std::string ErrorName(int32_t code);

}  // namespace ks::cl

#endif  // KS_RUNNER_DEVICE_OPENCL_FUNCTIONS_H_
