#include "opencl_functions.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace ks::cl {
namespace {

template <typename Function>
void Take(void* library, const char* name, Function** to, std::string* missing) {
  *to = reinterpret_cast<Function*>(dlsym(library, name));
  if (*to == nullptr) *missing += fmt::format("{}{}", missing->empty() ? "" : ", ", name);
}

}  // namespace

Result<Functions> Resolve() {
  void* const library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Error{ErrorCode::kFailedPrecondition,
                 "libOpenCL.so.1 is not there: install an OpenCL loader and a driver (Debian: "
                 "ocl-icd-libopencl1 and pocl-opencl-icd)"};
  }
  Functions all;
  std::string missing;
#define KS_TAKE(name) Take(library, "cl" #name, &all.name, &missing)
  KS_TAKE(GetPlatformIDs);
  KS_TAKE(GetDeviceIDs);
  KS_TAKE(GetDeviceInfo);
  KS_TAKE(CreateContext);
  KS_TAKE(CreateCommandQueue);
  KS_TAKE(CreateBuffer);
  KS_TAKE(CreateSubBuffer);
  KS_TAKE(ReleaseMemObject);
  KS_TAKE(CreateProgramWithSource);
  KS_TAKE(CreateProgramWithBinary);
  KS_TAKE(BuildProgram);
  KS_TAKE(GetProgramBuildInfo);
  KS_TAKE(GetProgramInfo);
  KS_TAKE(ReleaseProgram);
  KS_TAKE(CreateKernel);
  KS_TAKE(ReleaseKernel);
  KS_TAKE(GetKernelInfo);
  KS_TAKE(GetKernelArgInfo);
  KS_TAKE(GetKernelWorkGroupInfo);
  KS_TAKE(SetKernelArg);
  KS_TAKE(EnqueueNDRangeKernel);
  KS_TAKE(EnqueueWriteBuffer);
  KS_TAKE(EnqueueReadBuffer);
  KS_TAKE(EnqueueCopyBuffer);
  KS_TAKE(EnqueueFillBuffer);
  KS_TAKE(Finish);
  KS_TAKE(Flush);
  KS_TAKE(GetEventProfilingInfo);
  KS_TAKE(ReleaseEvent);
#undef KS_TAKE
  if (!missing.empty()) {
    return Error{ErrorCode::kFailedPrecondition,
                 "libOpenCL.so.1 is older than OpenCL 1.2: it lacks " + missing};
  }
  return all;
}

std::string ErrorName(int32_t code) {
  switch (code) {
    case kMemObjectAllocationFailure:
      return "CL_MEM_OBJECT_ALLOCATION_FAILURE";
    case kOutOfResources:
      return "CL_OUT_OF_RESOURCES";
    case kOutOfHostMemory:
      return "CL_OUT_OF_HOST_MEMORY";
    case kBuildProgramFailure:
      return "CL_BUILD_PROGRAM_FAILURE";
    case kInvalidKernelName:
      return "CL_INVALID_KERNEL_NAME";
    case kInvalidKernelArgs:
      return "CL_INVALID_KERNEL_ARGS";
    case kInvalidWorkDimension:
      return "CL_INVALID_WORK_DIMENSION";
    case kInvalidWorkGroupSize:
      return "CL_INVALID_WORK_GROUP_SIZE";
    case kInvalidWorkItemSize:
      return "CL_INVALID_WORK_ITEM_SIZE";
    case kInvalidBufferSize:
      return "CL_INVALID_BUFFER_SIZE";
    case kInvalidGlobalWorkSize:
      return "CL_INVALID_GLOBAL_WORK_SIZE";
    default:
      return fmt::format("OpenCL error {}", code);
  }
}

}  // namespace ks::cl
