// What PyTorch modules run on.
#ifndef KS_BACKEND_TORCH_MODULE_DEVICE_H_
#define KS_BACKEND_TORCH_MODULE_DEVICE_H_

#include <optional>
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

// The entry of CUDA_VISIBLE_DEVICES for device `index` of those that `visible`, its present value,
// lets through; as for the driver, "" hides all and a negative entry ends the list. ERRORS:
// kFailedPrecondition (all are hidden); kInvalidArgument (fewer than `index` + 1).
Result<std::string> VisibleDevice(const std::optional<std::string>& visible, int index);

// A CUDA device of this machine; `visible` and `library_path` are the environment's
// CUDA_VISIBLE_DEVICES (none: not set) and LD_LIBRARY_PATH. `index` counts the visible ones.
// ERRORS: VisibleDevice's; kFailedPrecondition (no driver).
Result<ModuleDevice> FindCudaModuleDevice(const std::optional<std::string>& visible,
                                          const std::string& library_path, int index);

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_DEVICE_H_
