#include "backend/cuda/compiler_image.h"

#include <cstddef>

// KS_DEVICE_COMPILER_FILE is the path of the built executable.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    ".globl ks_device_compiler_image_begin\n"
    "ks_device_compiler_image_begin:\n"
    ".incbin \"" KS_DEVICE_COMPILER_FILE
    "\"\n"
    ".globl ks_device_compiler_image_end\n"
    "ks_device_compiler_image_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const char ks_device_compiler_image_begin[];
extern "C" const char ks_device_compiler_image_end[];

namespace ks {

std::string_view DeviceCompilerImage() {
  return {ks_device_compiler_image_begin,
          static_cast<size_t>(ks_device_compiler_image_end - ks_device_compiler_image_begin)};
}

}  // namespace ks
