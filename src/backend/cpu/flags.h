// Which compiler flags a candidate may choose, and why the others are refused.
//
// Allowed: optimisation levels, instruction sets that this machine has, -f and --param switches of
// the lists in flags.cc (code generation only), integer macros, language standard. Refused:
// everything that reads or writes files, links, loads plugins, instruments, or changes the ABI.
#ifndef KS_BACKEND_CPU_FLAGS_H_
#define KS_BACKEND_CPU_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "core/machine.h"
#include "core/outcome.h"
#include "core/task.h"

namespace ks {

// The first flag that is not allowed, as rule "flag"; none: all are fine. Pure.
std::optional<Rejected> CheckFlags(const std::vector<std::string>& flags, const Task& task,
                                   const Machine& machine);

}  // namespace ks

#endif  // KS_BACKEND_CPU_FLAGS_H_
