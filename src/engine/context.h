// What a proposer is shown about one step.
#ifndef KS_ENGINE_CONTEXT_H_
#define KS_ENGINE_CONTEXT_H_

#include "core/config.h"
#include "core/evaluator.h"
#include "core/proposer.h"
#include "engine/pipeline.h"
#include "engine/run_state.h"

namespace ks {

struct ContextRequest {
  CandidateId step = kNoCandidate;
  uint64_t draw = 0;                       // of the selection; seeds are derived from it
  CandidateId knows_up_to = kNoCandidate;  // the latest step whose source counts as seen
};

// Selects a parent from the state as it is and gathers what belongs to it. The context holds what
// it refers to, but for task and machine, which are the evaluator's. ERRORS: the store's.
Result<ProposalContext> MakeContext(const ContextRequest& request, const RunState& state,
                                    const RunConfig& config, const Evaluator& evaluator,
                                    const Pipeline::HashNormalized& hash);

}  // namespace ks

#endif  // KS_ENGINE_CONTEXT_H_
