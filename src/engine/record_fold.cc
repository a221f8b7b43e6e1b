#include "engine/record_fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace ks {
namespace {

// Events: so few that they are still in the cache when they are folded.
constexpr int64_t kReadAtOnce = 1024;

Error Broken(const std::string& what) { return {ErrorCode::kDataLoss, "broken record: " + what}; }

}  // namespace

Status ForEachEvent(const Store& store, const std::function<Status(Event&)>& visit) {
  const auto read = [&store](int64_t after) {
    return std::async(std::launch::async,
                      [&store, after] { return store.ReadSome(after, kReadAtOnce); });
  };
  std::future<Result<std::vector<Event>>> next = read(0);
  for (;;) {
    KS_ASSIGN_OR_RETURN(std::vector<Event> events, next.get());
    if (events.empty()) return {};
    next = read(events.back().sequence);
    for (Event& event : events) KS_RETURN_IF_ERROR(visit(event));
  }
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
  if (!Sha256FromHex(proposed.source_hash)) {
    return Broken(fmt::format("{}: '{}' is not a hash", CandidateName(id), proposed.source_hash));
  }
  if (state_.baseline() != kNoCandidate) {
    const CandidateId known = std::max(id - in_flight_, proposed.parent);
    if (!state_.judged_up_to(known)) {
      return Broken(fmt::format("{} came before results that it saw", CandidateName(id)));
    }
    state_.ApplyUpTo(known);
  }
  KS_ASSIGN_OR_RETURN(const std::string normalized, NormalizedHashOf(proposed));
  state_.AddProposal(sequence, std::move(proposed), normalized);
  return {};
}

// Empty when the proposal was refused.
Result<std::string> RecordFold::NormalizedHashOf(const CandidateProposed& proposed) const {
  if (proposed.refused) return std::string();
  if (!proposed.normalized_hash.empty()) return proposed.normalized_hash;
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
