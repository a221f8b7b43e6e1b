// Takes a recorded run over: its events, one by one, into the state of a search.
#ifndef KS_ENGINE_RECORD_FOLD_H_
#define KS_ENGINE_RECORD_FOLD_H_

#include <functional>
#include <span>
#include <string>

#include "core/event.h"
#include "core/store.h"
#include "engine/pipeline.h"
#include "engine/run_state.h"

namespace ks {

using EventVisitor = std::function<Status(const Event&)>;
using EventsVisitor = std::function<Status(std::span<const Event>)>;

// Calls `prepare`, on another thread, with the next few events of the record and then `visit` with
// each, in order, while those after them are being read and prepared. Stops at the first error.
// ERRORS: the store's; those of `prepare` and `visit`.
Status ForEachEvent(const Store& store, const EventsVisitor& prepare, const EventVisitor& visit);

// Single thread. All references outlive it.
class RecordFold {
 public:
  // `in_flight` of the recorded run, `last` its last event's sequence.
  RecordFold(const Store& store, const Pipeline::HashNormalized& hash, int in_flight, int64_t last,
             RunState& state);

  // What can be done with events before those in front of them are taken over: they are checked,
  // and their hashes are noted. From one thread, beside the one that takes over. ERRORS: kDataLoss.
  Status Prepare(std::span<const Event> events) const;
  // REQUIRES: was prepared. Steps are applied as far as the run itself had applied them when the
  // event happened. ERRORS: kDataLoss (the event does not fit what came before).
  Status TakeOver(const Event& event);

 private:
  Status TakeOver(int64_t sequence, const CandidateProposed& proposed);
  Status TakeOver(int64_t sequence, const CandidateEvaluated& evaluated);
  Status TakeOver(const BaselineChosen& chosen);
  Result<std::string> MissingHashOf(const CandidateProposed& proposed) const;

  const Store& store_;
  const Pipeline::HashNormalized& hash_normalized_;
  const int in_flight_;
  const int64_t last_;
  RunState& state_;
};

}  // namespace ks

#endif  // KS_ENGINE_RECORD_FOLD_H_
