// What the judge reads from a compiled shared object: a hash of its code and a few facts. The
// bytes come from a compiler fed with hostile input, so every offset is checked.
#ifndef KS_BACKEND_CPU_ELF_IMAGE_H_
#define KS_BACKEND_CPU_ELF_IMAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ks {

struct ElfImage {
  // SHA-256 over all sections that are loaded, with their addresses, except notes: comments, white
  // space and names of locals and internal functions do not change it.
  std::string code_hash;
  int64_t text_bytes = 0;
  int64_t static_bytes = 0;            // .data + .bss beyond what every shared object has
  std::vector<std::string> libraries;  // DT_NEEDED
  std::vector<std::string> imports;    // undefined dynamic symbols
};

// Pure. ERRORS: kInvalidArgument for anything but a well-formed x86-64 shared object.
Result<ElfImage> ReadElfImage(std::string_view bytes);

}  // namespace ks

#endif  // KS_BACKEND_CPU_ELF_IMAGE_H_
