#include "nvrtc.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <type_traits>

namespace ks {
namespace {

using Program = struct NvrtcProgramObject*;

struct Functions {
  int (*Create)(Program*, const char*, const char*, int, const char**, const char**) = nullptr;
  int (*Compile)(Program, int, const char**) = nullptr;
  int (*GetCubinSize)(Program, size_t*) = nullptr;
  int (*GetCubin)(Program, char*) = nullptr;
  int (*GetLogSize)(Program, size_t*) = nullptr;
  int (*GetLog)(Program, char*) = nullptr;
  int (*Destroy)(Program*) = nullptr;
};

Result<Functions> Open(const std::string& path) {
  void* library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  for (const char* name :
       {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so"}) {
    if (library == nullptr && path.empty()) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("NVRTC is not there{}{}: install it (the CUDA toolkit has it, and "
                             "`pip install nvidia-cuda-nvrtc` does)",
                             path.empty() ? "" : " as ", path)};
  }
  Functions all;
  bool found = true;
  const auto take = [&](const char* name, auto** to) {
    *to = reinterpret_cast<std::remove_reference_t<decltype(*to)>>(dlsym(library, name));
    found = found && *to != nullptr;
  };
  take("nvrtcCreateProgram", &all.Create);
  take("nvrtcCompileProgram", &all.Compile);
  take("nvrtcGetCUBINSize", &all.GetCubinSize);
  take("nvrtcGetCUBIN", &all.GetCubin);
  take("nvrtcGetProgramLogSize", &all.GetLogSize);
  take("nvrtcGetProgramLog", &all.GetLog);
  take("nvrtcDestroyProgram", &all.Destroy);
  if (found) return all;
  return Error{ErrorCode::kFailedPrecondition, "NVRTC is older than CUDA 11.1"};
}

}  // namespace

Result<std::string> CompileCubin(const std::string& library, const std::string& source,
                                 const std::string& arch) {
  KS_ASSIGN_OR_RETURN(const Functions nvrtc, Open(library));
  Program program = nullptr;
  if (nvrtc.Create(&program, source.c_str(), "kernels.cu", 0, nullptr, nullptr) != 0) {
    return Error{ErrorCode::kFailedPrecondition, "nvrtcCreateProgram failed"};
  }
  const std::string option = "--gpu-architecture=" + arch;
  std::array<const char*, 2> options = {option.c_str(), "--std=c++17"};
  const int code = nvrtc.Compile(program, options.size(), options.data());
  size_t bytes = 0;
  std::string text;
  if (code != 0) {
    nvrtc.GetLogSize(program, &bytes);
    text.resize(bytes);
    nvrtc.GetLog(program, text.data());
  } else {
    nvrtc.GetCubinSize(program, &bytes);
    text.resize(bytes);
    nvrtc.GetCubin(program, text.data());
  }
  nvrtc.Destroy(&program);
  if (code == 0) return text;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("NVRTC does not compile the source for {}: {}", arch, text)};
}

}  // namespace ks
