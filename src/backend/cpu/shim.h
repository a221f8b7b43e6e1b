// The generated C++ around a candidate: its expected declaration and the uniform entry `ks_call`.
#ifndef KS_BACKEND_CPU_SHIM_H_
#define KS_BACKEND_CPU_SHIM_H_

#include <string>

#include "core/task.h"

namespace ks {

// Included before the candidate's first line: the entry's declaration with built-in types only, so
// that a candidate with other arguments does not compile. `widened`: every float type is double.
std::string EntryPrelude(const Task& task, bool widened);

// extern "C" void ks_call(void* const* buffers, const int64_t* axes): calls the entry; scalars are
// read from their 8-byte slots.
std::string ShimSource(const Task& task, bool widened);

}  // namespace ks

#endif  // KS_BACKEND_CPU_SHIM_H_
