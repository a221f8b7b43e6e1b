// Takes a recorded run over: its events, one by one, into the state of a search.
#ifndef KS_ENGINE_RECORD_FOLD_H_
#define KS_ENGINE_RECORD_FOLD_H_

#include <functional>
#include <string>

#include "core/event.h"
#include "core/store.h"
#include "engine/pipeline.h"
#include "engine/run_state.h"

namespace ks {

// Calls `visit` with every event of the record, in order, while the next ones are being read. Stops
// at its first error. ERRORS: the store's; those of `visit`.
Status ForEachEvent(const Store& store, const std::function<Status(Event&)>& visit);

// Single thread. All references outlive it.
class RecordFold {
 public:
  // `in_flight` of the recorded run.
  RecordFold(const Store& store, const Pipeline::HashNormalized& hash, int in_flight,
             RunState& state)
      : store_(store), hash_normalized_(hash), in_flight_(in_flight), state_(state) {}

  // Steps are applied as far as the run itself had applied them when the event happened. Takes the
  // event's content. ERRORS: kDataLoss (the event does not fit what came before).
  Status TakeOver(Event& event);

 private:
  Status TakeOver(int64_t sequence, CandidateProposed& proposed);
  Status TakeOver(int64_t sequence, CandidateEvaluated& evaluated);
  Status TakeOver(const BaselineChosen& chosen);
  Result<std::string> NormalizedHashOf(const CandidateProposed& proposed) const;

  const Store& store_;
  const Pipeline::HashNormalized& hash_normalized_;
  const int in_flight_;
  RunState& state_;
};

}  // namespace ks

#endif  // KS_ENGINE_RECORD_FOLD_H_
