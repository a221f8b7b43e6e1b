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

// Events: so few that they are still in the cache when they are folded.
constexpr int64_t kReadAtOnce = 512;
constexpr size_t kMostAhead = 2;  // batches

// Reads ahead on a thread of its own, which ends with it.
class ReadAhead {
 public:
  using Batch = Result<std::vector<Event>>;

  ReadAhead(const Store& store, const EventVisitor& prepare)
      : store_(store),
        prepare_(prepare),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  // The next events; none at the end of the record.
  Batch Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !read_.empty(); });
    Batch batch = std::move(read_.front());
    read_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return batch;
  }

 private:
  void Run(const std::stop_token& stop) {
    int64_t after = 0;
    for (bool more = true; more;) {
      Batch batch = Prepared(store_.ReadSome(after, kReadAtOnce));
      more = batch.ok() && !batch->empty();
      if (more) after = batch->back().sequence;
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return read_.size() < kMostAhead; })) return;
      read_.push_back(std::move(batch));
      lock.unlock();
      changed_.notify_all();
    }
  }

  Batch Prepared(Batch batch) const {
    if (!batch.ok()) return batch;
    for (Event& event : *batch) KS_RETURN_IF_ERROR(prepare_(event));
    return batch;
  }

  const Store& store_;
  const EventVisitor& prepare_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> read_;  // guarded by mutex_
  std::jthread thread_;     // last: ends before the rest goes
};

Error Broken(const std::string& what) { return {ErrorCode::kDataLoss, "broken record: " + what}; }

}  // namespace

Status ForEachEvent(const Store& store, const EventVisitor& prepare, const EventVisitor& visit) {
  ReadAhead ahead(store, prepare);
  for (;;) {
    KS_ASSIGN_OR_RETURN(std::vector<Event> events, ahead.Next());
    if (events.empty()) return {};
    for (Event& event : events) KS_RETURN_IF_ERROR(visit(event));
  }
}

Status RecordFold::Prepare(const Event& event) const {
  if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
    state_.NoteBinary(evaluated->id, evaluated->evaluation);
  }
  const auto* proposed = std::get_if<CandidateProposed>(&event.body);
  if (proposed == nullptr) return {};
  if (!Sha256FromHex(proposed->source_hash)) {
    return Broken(
        fmt::format("{}: '{}' is not a hash", CandidateName(proposed->id), proposed->source_hash));
  }
  if (!proposed->refused && !proposed->normalized_hash.empty()) {
    state_.seen()->Insert(proposed->normalized_hash, proposed->id);
  }
  return {};
}

Status RecordFold::TakeOver(Event& event) {
  if (auto* proposed = std::get_if<CandidateProposed>(&event.body)) {
    return TakeOver(event.sequence, *proposed);
  }
  if (auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
    return TakeOver(event.sequence, *evaluated);
  }
  if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) return TakeOver(*chosen);
  return {};
}

Status RecordFold::TakeOver(int64_t sequence, CandidateProposed& proposed) {
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
  state_.AddProposal(sequence, std::move(proposed), missing);
  return {};
}

// Of the normalised source, where the record does not have it (and Prepare could not note it).
Result<std::string> RecordFold::MissingHashOf(const CandidateProposed& proposed) const {
  if (proposed.refused || !proposed.normalized_hash.empty()) return std::string();
  KS_ASSIGN_OR_RETURN(const std::string source, store_.GetSource(proposed.source_hash));
  return hash_normalized_(source);
}

Status RecordFold::TakeOver(int64_t sequence, CandidateEvaluated& evaluated) {
  const CandidateId id = evaluated.id;
  if (id < 0 || id >= state_.size()) {
    return Broken(fmt::format("result of unknown candidate {}", id));
  }
  if (state_.judged(id)) return Broken(CandidateName(id) + " was judged twice");
  state_.SetEvaluation(sequence, id, std::move(evaluated.evaluation));
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
