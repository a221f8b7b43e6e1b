// What the evaluator is asked about one step.
#ifndef KS_ENGINE_EVALUATION_REQUEST_H_
#define KS_ENGINE_EVALUATION_REQUEST_H_

#include <string>

#include "core/config.h"
#include "core/evaluator.h"
#include "engine/run_state.h"

namespace ks {

// All but the source: rivals are taken from the state as it is. Before the baseline is chosen,
// candidates are judged alone, against `baseline_source`. `memory`: a request that nobody needs any
// more, whose texts are written over. ERRORS: the store's.
Result<EvaluationRequest> MakeRequest(CandidateId id, CandidateId parent, const RunState& state,
                                      const RunConfig& config, const std::string& baseline_source,
                                      EvaluationRequest memory = {});

}  // namespace ks

#endif  // KS_ENGINE_EVALUATION_REQUEST_H_
