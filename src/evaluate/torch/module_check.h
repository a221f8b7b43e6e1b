// Is a candidate right? Trials on secret weights and inputs.
#ifndef KS_EVALUATE_TORCH_MODULE_CHECK_H_
#define KS_EVALUATE_TORCH_MODULE_CHECK_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

#include "core/config.h"
#include "core/module.h"
#include "evaluate/torch/module_session.h"
#include "sandbox/unique_fd.h"

namespace ks {

// Loads a candidate's source; empty: it imports. ERRORS: our side only.
Result<std::optional<Outcome>> LoadModule(ModuleCandidate& candidate, const ModuleSource& source,
                                          const ModuleFacts& facts, const EvaluationConfig& config,
                                          std::stop_token stop);

// One call: what the candidate is asked, with the memory of its inputs and outputs.
struct ModuleCall {
  int64_t number = 0;  // as the trusted side counts
  nlohmann::json ask;
  std::vector<UniqueFd> memory;  // none: that of the call before
};
// Draws what `draw` asks for (docs/modules.md, Messages), or says why there is no room. ERRORS: our
// side only.
Result<std::variant<ModuleCall, Outcome>> DrawCall(ModuleReference& reference,
                                                   const nlohmann::json& draw,
                                                   std::stop_token stop);
// Empty: it has answered. ERRORS: our side only.
Result<std::optional<Outcome>> RunCall(ModuleCandidate& candidate, const ModuleCall& call,
                                       double timeout_s, std::stop_token stop);
// A trial is a new ModelNew with new weights and a call; the first trial, and one in five beside it
// that nobody can foretell, goes on with a call on other inputs and then the first again. Empty: it
// passed. Counts the right calls in `facts`. ERRORS: our side only.
Result<std::optional<Outcome>> CheckModule(ModuleReference& reference, ModuleCandidate& candidate,
                                           const EvaluationConfig& config, uint64_t secret_seed,
                                           ModuleFacts& facts, std::stop_token stop);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_CHECK_H_
