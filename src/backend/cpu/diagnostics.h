// Compiler and linker messages as values.
#ifndef KS_BACKEND_CPU_DIAGNOSTICS_H_
#define KS_BACKEND_CPU_DIAGNOSTICS_H_

#include <optional>
#include <string_view>
#include <vector>

#include "core/outcome.h"

namespace ks {

inline constexpr size_t kMaxDiagnostics = 40;

// Reads "file:line:column: error: text" of g++ and clang, and the linker's undefined references.
// Positions count in `source_name`; messages about other files have line 0 and name the file.
std::vector<Diagnostic> ParseDiagnostics(std::string_view log, std::string_view source_name);

// The number of bytes when the compiler says that it ran out of memory (0: it did not say how
// many).
std::optional<double> MemoryExhausted(std::string_view log);

}  // namespace ks

#endif  // KS_BACKEND_CPU_DIAGNOSTICS_H_
