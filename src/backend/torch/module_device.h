// What PyTorch modules run on.
#ifndef KS_BACKEND_TORCH_MODULE_DEVICE_H_
#define KS_BACKEND_TORCH_MODULE_DEVICE_H_

#include <string>

namespace ks {

// Value. "cpu": tensors in the processor's memory and Triton's interpreter, for verdicts only;
// "cuda": the first CUDA device that the processes see.
struct ModuleDevice {
  std::string name = "cpu";
  bool is_cuda() const { return name == "cuda"; }
};

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_DEVICE_H_
