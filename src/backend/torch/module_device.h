// What PyTorch modules run on.
#ifndef KS_BACKEND_TORCH_MODULE_DEVICE_H_
#define KS_BACKEND_TORCH_MODULE_DEVICE_H_

#include <string>
#include <vector>

#include "base/result.h"

namespace ks {

// Value. "cpu": tensors in the processor's memory and Triton's interpreter, for verdicts only;
// "cuda": a CUDA device.
struct ModuleDevice {
  std::string name = "cpu";
  std::string visible;             // CUDA_VISIBLE_DEVICES for the processes
  std::vector<std::string> nodes;  // of /dev that its driver opens
  // Folders where the driver's libraries lie when the loader does not know them.
  std::vector<std::string> library_folders;

  bool is_cuda() const { return name == "cuda"; }
};

// A CUDA device of this machine; `visible` and `library_path` are the environment's
// CUDA_VISIBLE_DEVICES and LD_LIBRARY_PATH. `index` counts the visible ones. ERRORS:
// kFailedPrecondition (no driver); kInvalidArgument (no such device among `visible`).
Result<ModuleDevice> FindCudaModuleDevice(const std::string& visible,
                                          const std::string& library_path, int index);

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_DEVICE_H_
