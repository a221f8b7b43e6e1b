// CodeFeatures from the text of `objdump -d --no-show-raw-insn`.
#ifndef KS_BACKEND_CPU_CODE_FEATURES_H_
#define KS_BACKEND_CPU_CODE_FEATURES_H_

#include <string_view>

#include "backend/cpu/elf_image.h"
#include "core/evaluation.h"

namespace ks {

// Pure. Text that cannot be read counts as no code. The shim and the start files are left out.
CodeFeatures ReadCodeFeatures(std::string_view disassembly, const ElfImage& image);

}  // namespace ks

#endif  // KS_BACKEND_CPU_CODE_FEATURES_H_
