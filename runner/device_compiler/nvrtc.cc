#include "nvrtc.h"

#include <dlfcn.h>

namespace ks {

bool Nvrtc::Load(const char* library) {
  void* const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const reason = dlerror();
    problem_ = reason == nullptr ? "not loadable" : reason;
    return false;
  }
  const auto find = [&](auto* function, const char* name) {
    *function = reinterpret_cast<std::remove_reference_t<decltype(*function)>>(dlsym(handle, name));
    if (*function == nullptr && problem_.empty()) problem_ = std::string("no function ") + name;
  };
  find(&call_.version, "nvrtcVersion");
  find(&call_.create, "nvrtcCreateProgram");
  find(&call_.destroy, "nvrtcDestroyProgram");
  find(&call_.compile, "nvrtcCompileProgram");
  find(&call_.add_name, "nvrtcAddNameExpression");
  find(&call_.lowered_name, "nvrtcGetLoweredName");
  find(&call_.log_size, "nvrtcGetProgramLogSize");
  find(&call_.log, "nvrtcGetProgramLog");
  find(&call_.cubin_size, "nvrtcGetCUBINSize");
  find(&call_.cubin, "nvrtcGetCUBIN");
  find(&call_.ptx_size, "nvrtcGetPTXSize");
  find(&call_.ptx, "nvrtcGetPTX");
  find(&call_.error_text, "nvrtcGetErrorString");
  return problem_.empty();
}

std::string Nvrtc::Version() const {
  int major = 0;
  int minor = 0;
  call_.version(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string Nvrtc::Text(Program program, int (*size)(Program, size_t*),
                        int (*get)(Program, char*)) const {
  size_t bytes = 0;
  if (size(program, &bytes) != 0 || bytes == 0) return {};
  std::string text(bytes, '\0');
  if (get(program, text.data()) != 0) return {};
  return text;
}

NvrtcReply Nvrtc::Compile(const NvrtcRequest& request) const {
  NvrtcReply reply;
  Program program = nullptr;
  int status = call_.create(&program, request.source.c_str(), "kernel.cu", 0, nullptr, nullptr);
  if (status != 0) {
    reply.log = std::string("nvrtc: error: ") + call_.error_text(status);
    return reply;
  }
  for (const std::string& kernel : request.kernels) call_.add_name(program, kernel.c_str());
  std::vector<const char*> options;
  for (const std::string& option : request.options) options.push_back(option.c_str());
  status = call_.compile(program, static_cast<int>(options.size()), options.data());
  reply.ok = status == 0;
  reply.log = Text(program, call_.log_size, call_.log);
  while (!reply.log.empty() && reply.log.back() == '\0') reply.log.pop_back();
  if (reply.ok) {
    reply.cubin = Text(program, call_.cubin_size, call_.cubin);
    reply.ptx = Text(program, call_.ptx_size, call_.ptx);
    for (const std::string& kernel : request.kernels) {
      const char* name = nullptr;
      const bool found = call_.lowered_name(program, kernel.c_str(), &name) == 0 && name != nullptr;
      reply.symbols.emplace_back(found ? name : "");
    }
  } else if (reply.log.empty()) {
    reply.log = std::string("nvrtc: error: ") + call_.error_text(status);
  }
  call_.destroy(&program);
  return reply;
}

}  // namespace ks
