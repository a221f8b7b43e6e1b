// Finds NVIDIA's compilers and headers on this machine. Nothing of CUDA is needed to build this
// program, and nothing of it is loaded here.
#ifndef KS_BACKEND_CUDA_TOOLKIT_H_
#define KS_BACKEND_CUDA_TOOLKIT_H_

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ks {

// Paths; empty: not there.
struct CudaToolkit {
  std::string nvrtc;                  // the library file
  std::string nvcc;                   // the program
  std::vector<std::string> includes;  // folders
  std::string nvcc_version;           // "13.0" from its folder's name, or empty

  bool usable() const { return !nvrtc.empty() || !nvcc.empty(); }
};

// `roots` first (CUDA_HOME, a Python environment's site-packages, ...), then the usual places.
// NVRTC of the first root that has one, the newest there; headers of the same root, else of
// another.
CudaToolkit FindCudaToolkit(const FileSystem& files, const std::vector<std::string>& roots);

// How to get one, for messages.
inline constexpr const char* kGetCudaToolkit =
    "no NVRTC or nvcc found; install a CUDA toolkit (looked for under CUDA_HOME, /usr/local/cuda "
    "and the Python environment), or the package nvidia-cuda-nvrtc with nvidia-cuda-runtime";

// What a sandbox needs to see of it beyond /usr, each path as outside.
std::vector<SandboxMount> ToolkitMounts(const CudaToolkit& toolkit);

}  // namespace ks

#endif  // KS_BACKEND_CUDA_TOOLKIT_H_
