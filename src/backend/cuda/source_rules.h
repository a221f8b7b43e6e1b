// What a CUDA C++ candidate may ask of its compiler.
#ifndef KS_BACKEND_CUDA_SOURCE_RULES_H_
#define KS_BACKEND_CUDA_SOURCE_RULES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "core/task.h"

namespace ks {

// Flags of the "flags" directive in the compiler's spelling: code generation and integer macros
// only. -O0 to -O3 are accepted and mean nothing. The second alternative is rule `flag`.
std::variant<std::vector<std::string>, Rejected> CudaFlags(const std::vector<std::string>& flags,
                                                           const Task& task);

// Rules `include` (absolute or climbing paths; there is nothing to find, so this is about a clear
// answer) and `incbin`.
std::optional<Rejected> CheckCudaSource(std::string_view source);

// Messages of NVRTC, nvcc and ptxas. The caret line under a quoted line of `source` gives the
// column.
std::vector<Diagnostic> ParseCudaDiagnostics(std::string_view log, std::string_view source);

}  // namespace ks

#endif  // KS_BACKEND_CUDA_SOURCE_RULES_H_
