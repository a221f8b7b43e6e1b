// The executable of ksmith-device-compiler, carried inside this program.
#ifndef KS_BACKEND_CUDA_COMPILER_IMAGE_H_
#define KS_BACKEND_CUDA_COMPILER_IMAGE_H_

#include <string_view>

namespace ks {

std::string_view DeviceCompilerImage();

}  // namespace ks

#endif  // KS_BACKEND_CUDA_COMPILER_IMAGE_H_
