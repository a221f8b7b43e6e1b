// Messages about directives, shared by the parser and the binder.
#ifndef KS_CORE_LAUNCH_PLAN_TEXT_H_
#define KS_CORE_LAUNCH_PLAN_TEXT_H_

#include <string_view>

#include "core/launch_plan.h"
#include "core/outcome.h"

namespace ks {

// An error at a 1-based position: `what`, then the line of `source` and a caret under the column
// (of a long line the part around it).
Diagnostic PlanError(std::string_view source, int line, int column, std::string_view what);
// `skip` bytes into `at`.
Diagnostic PlanErrorAt(std::string_view source, const PlanText& at, size_t skip,
                       std::string_view what);

}  // namespace ks

#endif  // KS_CORE_LAUNCH_PLAN_TEXT_H_
