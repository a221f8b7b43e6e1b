// What an OpenCL candidate may ask of its compiler, and what can be read from its text and from the
// compiler's messages. Pure functions.
#ifndef KS_BACKEND_OPENCL_OPENCL_SOURCE_H_
#define KS_BACKEND_OPENCL_OPENCL_SOURCE_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/evaluation.h"
#include "core/expr.h"
#include "core/task.h"

namespace ks {

// The options for clBuildProgram: the candidate's flags, then the plan's constants as macros.
// -O0 to -O3 are accepted and mean nothing; relaxed arithmetic only where the task admits it. The
// second alternative is rule `flag`.
std::variant<std::string, Rejected> OpenClBuildOptions(const std::vector<std::string>& flags,
                                                       const AxisValues& constants,
                                                       const Task& task);

// Errors and warnings of a build log ("...:LINE:COLUMN: error: what", as clang-based drivers write
// them); empty when the driver writes something else.
std::vector<Diagnostic> ParseOpenClLog(std::string_view log);

// What the words of the text show (the drivers do not tell): local memory, atomics, the widest
// vector type.
void NoteOpenClWords(std::string_view source, DeviceFeatures& features);

}  // namespace ks

#endif  // KS_BACKEND_OPENCL_OPENCL_SOURCE_H_
