// Does a program still have the shape that the harness calls? Cheap checks on text, before anything
// is compiled; the compiler and the judge have the last word.
#ifndef KS_PROPOSE_LLM_ENTRY_CHECK_H_
#define KS_PROPOSE_LLM_ENTRY_CHECK_H_

#include <optional>
#include <string>
#include <string_view>

#include "core/task.h"
#include "propose/llm/edit.h"

namespace ks {

inline constexpr char kChangesEntry[] = "edit_changes_entry";

// CPU: the entry function is defined with the task's parameter types (names, `restrict` and the
// place of `const` are free). Devices: a launch plan is there. Nothing when all is well.
std::optional<EditFailure> CheckEntry(std::string_view source, const Task& task,
                                      std::string_view backend);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_ENTRY_CHECK_H_
