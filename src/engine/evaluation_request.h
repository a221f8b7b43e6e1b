// What the evaluator is asked about one step.
#ifndef KS_ENGINE_EVALUATION_REQUEST_H_
#define KS_ENGINE_EVALUATION_REQUEST_H_

#include <string>

#include "core/config.h"
#include "core/evaluator.h"
#include "core/source.h"
#include "engine/run_state.h"

namespace ks {

// An evaluation to be made. The texts of the rivals are loaded by whoever evaluates: they may have
// to come from the disk, for which the engine does not wait.
struct EvaluationOrder {
  EvaluationRequest request;
  Source parent, champion;  // those of request.parent and request.champion, if these are there
};

// All but the source and the rivals' texts: rivals are taken from the state as it is. Before the
// baseline is chosen, candidates are judged alone, against `baseline_source`. `memory`: a request
// that nobody needs any more, whose texts are written over. ERRORS: the store's.
Result<EvaluationOrder> MakeOrder(CandidateId id, CandidateId parent, const RunState& state,
                                  const RunConfig& config, const std::string& baseline_source,
                                  EvaluationRequest memory = {});

// Puts the texts of the rivals into the request. From any thread. ERRORS: the store's.
Status LoadRivals(EvaluationOrder& order);

}  // namespace ks

#endif  // KS_ENGINE_EVALUATION_REQUEST_H_
