// NVRTC, loaded at run time; its functions are declared here so that CUDA is not needed to build.
#ifndef KS_RUNNER_DEVICE_COMPILER_NVRTC_H_
#define KS_RUNNER_DEVICE_COMPILER_NVRTC_H_

#include <string>
#include <string_view>
#include <vector>

namespace ks {

struct NvrtcRequest {
  std::string source;
  std::vector<std::string> options;
  std::vector<std::string> kernels;  // as C++ names them
};

struct NvrtcReply {
  bool ok = false;
  std::string log, cubin, ptx;
  std::vector<std::string> symbols;  // of `kernels`, in order; empty: there is no such kernel
};

// Single thread.
class Nvrtc {
 public:
  // False: `problem()` says why.
  bool Load(const char* library);
  const std::string& problem() const { return problem_; }
  // "13.0"
  std::string Version() const;
  NvrtcReply Compile(const NvrtcRequest& request) const;

 private:
  using Program = struct NvrtcProgram*;
  struct Functions {
    int (*version)(int* major, int* minor);
    int (*create)(Program*, const char* source, const char* name, int headers, const char* const*,
                  const char* const*);
    int (*destroy)(Program*);
    int (*compile)(Program, int count, const char* const* options);
    int (*add_name)(Program, const char* expression);
    int (*lowered_name)(Program, const char* expression, const char** name);
    int (*log_size)(Program, size_t*);
    int (*log)(Program, char*);
    int (*cubin_size)(Program, size_t*);
    int (*cubin)(Program, char*);
    int (*ptx_size)(Program, size_t*);
    int (*ptx)(Program, char*);
    const char* (*error_text)(int);
  };

  std::string Text(Program program, int (*size)(Program, size_t*),
                   int (*get)(Program, char*)) const;

  Functions call_ = {};
  std::string problem_;
};

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_COMPILER_NVRTC_H_
