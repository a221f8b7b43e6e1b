// What the end of a candidate's call means: from the words of its process, and of the trusted one.
#ifndef KS_EVALUATE_TORCH_MODULE_OUTCOME_H_
#define KS_EVALUATE_TORCH_MODULE_OUTCOME_H_

#include <optional>
#include <string>

#include "backend/torch/module_host.h"
#include "core/outcome.h"
#include "evaluate/torch/module_talk.h"

namespace ks {

// The candidate said a problem. docs/modules.md has the table.
Outcome OutcomeOf(const ModuleProblem& problem);
// The candidate's process ended, with `workload` in its hands.
Outcome OutcomeOf(const ModuleExit& exit, const std::string& workload);
// The trusted side's verdict on a call; empty: it was right.
std::optional<Outcome> OutcomeOfVerdict(const nlohmann::json& verdict, const std::string& workload);
// What runs beside the module when a call has returned; empty: nothing but `allowed_threads`.
std::optional<Outcome> OutcomeOf(const ModuleCensus& census, int allowed_threads = 1);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_OUTCOME_H_
