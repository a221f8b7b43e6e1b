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

using EventVisitor = std::function<Status(Event&)>;

// Calls `prepare`, on another thread, and then `visit` with every event of the record, in order,
// while the next ones are being read and prepared. Stops at the first error. ERRORS: the store's;
// those of `prepare` and `visit`.
Status ForEachEvent(const Store& store, const EventVisitor& prepare, const EventVisitor& visit);

// Single thread. All references outlive it.
class RecordFold {
 public:
  // `in_flight` of the recorded run.
  RecordFold(const Store& store, const Pipeline::HashNormalized& hash, int in_flight,
             RunState& state)
      : store_(store), hash_normalized_(hash), in_flight_(in_flight), state_(state) {}

  // What can be done with an event before those in front of it are taken over: it is checked, and
  // its hashes are noted. From one thread, beside the one that takes over. ERRORS: kDataLoss.
  Status Prepare(const Event& event) const;
  // REQUIRES: was prepared. Steps are applied as far as the run itself had applied them when the
  // event happened. Takes the event's content. ERRORS: kDataLoss (the event does not fit what came
  // before).
  Status TakeOver(Event& event);

 private:
  Status TakeOver(int64_t sequence, CandidateProposed& proposed);
  Status TakeOver(int64_t sequence, CandidateEvaluated& evaluated);
  Status TakeOver(const BaselineChosen& chosen);
  Result<std::string> MissingHashOf(const CandidateProposed& proposed) const;

  const Store& store_;
  const Pipeline::HashNormalized& hash_normalized_;
  const int in_flight_;
  RunState& state_;
};

}  // namespace ks

#endif  // KS_ENGINE_RECORD_FOLD_H_
