#include "engine/record_fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace ks {
namespace {

// Events: so many that the threads seldom wake each other.
constexpr int64_t kReadAtOnce = 8192;
constexpr size_t kMostAhead = 3;  // batches, the one that is being folded among them

// Members that are held until the last ones come: so few that their memory is still in the cache
// when it is used again.
constexpr size_t kHeldMeanwhile = 128;

// Reads ahead on a thread of its own, which ends with it. What was read is also destroyed there:
// memory that goes back from another thread than the one that took it makes both wait for the same
// lock, a million times.
class ReadAhead {
 public:
  using Batch = Result<std::vector<Event>>;

  ReadAhead(const Store& store, const EventsVisitor& prepare)
      : store_(store),
        prepare_(prepare),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  // The next events, good until the next call; none at the end of the record.
  Result<std::span<const Event>> Next() {
    std::unique_lock lock(mutex_);
    if (given_) done_.push_back(std::move(read_.front()));
    if (given_) read_.pop_front();
    given_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !read_.empty(); });
    const Batch& batch = read_.front();
    if (!batch.ok()) return batch.error();
    return std::span<const Event>(*batch);
  }

 private:
  void Run(const std::stop_token& stop) {
    int64_t after = 0;
    for (bool more = true; more;) {
      Batch batch = Prepared(store_.ReadSome(after, kReadAtOnce));
      more = batch.ok() && !batch->empty();
      if (more) after = batch->back().sequence;
      std::vector<Batch> destroyed;
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return read_.size() < kMostAhead; })) return;
      read_.push_back(std::move(batch));
      destroyed.swap(done_);
      lock.unlock();
      changed_.notify_all();
    }
  }

  Batch Prepared(Batch batch) const {
    if (batch.ok()) KS_RETURN_IF_ERROR(prepare_(*batch));
    return batch;
  }

  const Store& store_;
  const EventsVisitor& prepare_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> read_;   // guarded by mutex_, as are the following; the first may be given
  std::vector<Batch> done_;  // to be destroyed
  bool given_ = false;
  std::jthread thread_;  // last: ends before the rest goes
};

Error Broken(const std::string& what) { return {ErrorCode::kDataLoss, "broken record: " + what}; }

}  // namespace

Status ForEachEvent(const Store& store, const EventsVisitor& prepare, const EventVisitor& visit) {
  ReadAhead ahead(store, prepare);
  for (;;) {
    KS_ASSIGN_OR_RETURN(const std::span<const Event> events, ahead.Next());
    if (events.empty()) return {};
    for (const Event& event : events) KS_RETURN_IF_ERROR(visit(event));
  }
}

RecordFold::RecordFold(const Store& store, const Pipeline::HashNormalized& hash, int in_flight,
                       int64_t last, RunState& state)
    : store_(store), hash_normalized_(hash), in_flight_(in_flight), last_(last), state_(state) {
  state_.HoldNewest(kHeldMeanwhile);
}

Status RecordFold::Prepare(std::span<const Event> events) const {
  std::vector<HashIndex::Entry> sources, binaries;
  for (const Event& event : events) {
    if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
      if (HasOwnBinary(evaluated->evaluation)) {
        binaries.push_back({evaluated->evaluation.binary_hash, evaluated->id});
      }
    }
    const auto* proposed = std::get_if<CandidateProposed>(&event.body);
    if (proposed == nullptr) continue;
    if (!Sha256FromHex(proposed->source_hash)) {
      return Broken(fmt::format("{}: '{}' is not a hash", CandidateName(proposed->id),
                                proposed->source_hash));
    }
    if (!proposed->refused && !proposed->normalized_hash.empty()) {
      sources.push_back({proposed->normalized_hash, proposed->id});
    }
  }
  state_.seen()->InsertAll(sources);
  state_.binaries()->InsertAll(binaries);
  return {};
}

Status RecordFold::TakeOver(const Event& event) {
  // Two events a candidate: from here on the last ones come.
  if (event.sequence > last_ - 2 * static_cast<int64_t>(RunState::kHeld)) {
    state_.HoldNewest(RunState::kHeld);
  }
  if (const auto* proposed = std::get_if<CandidateProposed>(&event.body)) {
    return TakeOver(event.sequence, *proposed);
  }
  if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
    return TakeOver(event.sequence, *evaluated);
  }
  if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) return TakeOver(*chosen);
  return {};
}

Status RecordFold::TakeOver(int64_t sequence, const CandidateProposed& proposed) {
  const CandidateId id = proposed.id;
  if (id != state_.size() || proposed.parent >= id || proposed.parent < kNoCandidate) {
    return Broken(fmt::format("candidate {} is out of order", id));
  }
  if (state_.baseline() != kNoCandidate) {
    const CandidateId known = std::max(id - in_flight_, proposed.parent);
    if (!state_.judged_up_to(known)) {
      return Broken(fmt::format("{} came before results that it saw", CandidateName(id)));
    }
    state_.ApplyUpTo(known);
  }
  KS_ASSIGN_OR_RETURN(const std::string missing, MissingHashOf(proposed));
  state_.AddProposal(sequence, proposed, missing);
  return {};
}

// Of the normalised source, where the record does not have it (and Prepare could not note it).
Result<std::string> RecordFold::MissingHashOf(const CandidateProposed& proposed) const {
  if (proposed.refused || !proposed.normalized_hash.empty()) return std::string();
  KS_ASSIGN_OR_RETURN(const std::string source, store_.GetSource(proposed.source_hash));
  return hash_normalized_(source);
}

Status RecordFold::TakeOver(int64_t sequence, const CandidateEvaluated& evaluated) {
  const CandidateId id = evaluated.id;
  if (id < 0 || id >= state_.size()) {
    return Broken(fmt::format("result of unknown candidate {}", id));
  }
  if (state_.judged(id)) return Broken(CandidateName(id) + " was judged twice");
  state_.SetEvaluation(sequence, id, evaluated.evaluation);
  return {};
}

Status RecordFold::TakeOver(const BaselineChosen& chosen) {
  if (state_.baseline() != kNoCandidate) return Broken("a second baseline");
  if (chosen.id < 0 || chosen.id >= state_.size() || !state_.judged_up_to(state_.size() - 1) ||
      AsMeasured(state_.evaluation(chosen.id).outcome) == nullptr) {
    return Broken("the baseline was chosen before it was measured");
  }
  state_.ChooseBaseline(chosen.id);
  return {};
}

}  // namespace ks
