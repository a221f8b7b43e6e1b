// Reads NVIDIA device objects (cubin, an ELF file): kernels with their resources, and what a
// candidate must not have.
#ifndef KS_BACKEND_COMPILE_CUBIN_H_
#define KS_BACKEND_COMPILE_CUBIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/outcome.h"

namespace ks {

struct CubinKernel {
  std::string symbol;
  int registers = 0;                      // a thread
  int64_t stack_bytes = 0;                // local memory a thread: spills and arrays
  int64_t shared_bytes = 0;               // static
  std::vector<uint32_t> parameter_bytes;  // in order
};

struct CubinImage {
  std::vector<CubinKernel> kernels;
  std::vector<std::string> writable_globals;  // variables in writable memory
  std::vector<std::string> imports;           // functions of the device runtime

  const CubinKernel* Find(std::string_view symbol) const;
};

// ERRORS: kInvalidArgument, malformed.
Result<CubinImage> ReadCubin(std::string_view bytes);

// Rules of docs/measurement.md: `module_globals`, `device_runtime`.
// Variables that no code in `ptx`, the assembly of the same compile, refers to are let be: headers
// have many. Empty: all count.
std::optional<Rejected> CheckCubin(const CubinImage& image, std::string_view ptx);

}  // namespace ks

#endif  // KS_BACKEND_COMPILE_CUBIN_H_
