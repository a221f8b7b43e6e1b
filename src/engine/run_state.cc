#include "engine/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "core/skill_record.h"

namespace ks {
namespace {

// Kilobytes a kernel that nobody looks at again; the record has them.
void DropSamples(std::vector<WorkloadTiming>& timings) {
  for (WorkloadTiming& timing : timings) {
    std::vector<double>().swap(timing.samples_ns);
    std::vector<double>().swap(timing.parent_samples_ns);
  }
}

bool FailedByItself(const Outcome& outcome) {
  return AsMeasured(outcome) == nullptr && !std::holds_alternative<DuplicateOf>(outcome);
}

Error Broken(CandidateId id) {
  return {ErrorCode::kDataLoss,
          fmt::format("the record has lost the events of {}", CandidateName(id))};
}

constexpr size_t kFirstPending = 256;

}  // namespace

bool HasOwnBinary(const Evaluation& evaluation) {
  return !evaluation.binary_hash.empty() &&
         !std::holds_alternative<DuplicateOf>(evaluation.outcome);
}

RunState::RunState(Archive& archive, const Store& store,
                   std::shared_ptr<const SourceReader> sources)
    : archive_(archive),
      store_(store),
      sources_(std::move(sources)),
      pending_(kFirstPending),
      held_(kHeld),
      recalled_(kHeld) {}

void RunState::AddProposal(int64_t sequence, CandidateProposed proposed,
                           const std::string& normalized_hash) {
  KS_CHECK(proposed.id == size() && size() < std::numeric_limits<Index>::max());
  if (!normalized_hash.empty()) seen_->Insert(normalized_hash, proposed.id);
  Entry added;
  added.proposed_at = sequence;
  added.parent = static_cast<Index>(proposed.parent);
  entries_.push_back(added);
  MakeRoomForPending();
  Pending& added_last = pending(proposed.id);
  added_last = Pending{std::move(proposed), std::nullopt};
}

const RunState::Pending& RunState::pending(CandidateId id) const {
  KS_CHECK(id >= applied_ && id < size());
  return pending_[static_cast<size_t>(id) & (pending_.size() - 1)];
}

// For the newest candidate.
void RunState::MakeRoomForPending() {
  if (static_cast<size_t>(size() - applied_) <= pending_.size()) return;
  std::vector<Pending> larger(2 * pending_.size());
  for (CandidateId id = applied_; id + 1 < size(); ++id) {
    larger[static_cast<size_t>(id) & (larger.size() - 1)] = std::move(pending(id));
  }
  pending_ = std::move(larger);
}

void RunState::SetEvaluation(int64_t sequence, CandidateId id, Evaluation evaluation) {
  KS_CHECK(!judged(id));
  Entry& e = entry(id);
  e.evaluated_at = sequence;
  e.measured = AsMeasured(evaluation.outcome) != nullptr;
  pending(id).evaluation = std::move(evaluation);
}

void RunState::NoteBinary(CandidateId id, const Evaluation& evaluation) const {
  if (HasOwnBinary(evaluation)) binaries_->Insert(evaluation.binary_hash, id);
}

void RunState::HoldNewest(size_t members) {
  if (members == held_.size()) return;
  std::vector<MemberPtr> held(members);
  for (CandidateId id = std::max<CandidateId>(0, applied_ - static_cast<CandidateId>(members));
       id < applied_; ++id) {
    MemberPtr& member = held_[static_cast<size_t>(id) % held_.size()];
    if (member != nullptr && member->id == id) {
      held[static_cast<size_t>(id) % members] = std::move(member);
    }
  }
  held_ = std::move(held);
}

bool RunState::judged_up_to(CandidateId last) const {
  if (last >= size()) return false;
  for (CandidateId id = applied_; id <= last; ++id) {
    if (!judged(id)) return false;
  }
  return true;
}

void RunState::ChooseBaseline(CandidateId id) {
  const Measured* measured = AsMeasured(evaluation(id).outcome);
  KS_CHECK(measured != nullptr);
  baseline_ = id;
  baseline_scale_ = measured->speedup.mid;
  probes_ = size();
  ApplyUpTo(size() - 1);
}

void RunState::ApplyUpTo(CandidateId last) {
  KS_CHECK(baseline_ != kNoCandidate);
  for (; applied_ <= last; ++applied_) Apply(applied_);
}

void RunState::ApplyJudged() {
  for (; applied_ < size(); ++applied_) {
    if (judged(applied_)) Apply(applied_);
  }
}

void RunState::Apply(CandidateId id) {
  Pending& next = pending(id);
  KS_CHECK(next.evaluation.has_value());
  const std::optional<ModelUse> use = std::move(next.proposed.use);
  MemberPtr member = MakeMember(std::move(next.proposed), *std::move(next.evaluation));
  held_[static_cast<size_t>(id) % held_.size()] = member;
  LinkToParent(id, FailedByItself(member->evaluation.outcome));
  NoteFailure(member);
  if (id >= probes_) RecordSkill(*member, use);
  archive_.Add(std::move(member));
}

MemberPtr RunState::MakeMember(CandidateProposed proposed, Evaluation evaluation) const {
  auto member = std::make_shared<Member>();
  member->id = proposed.id;
  member->parent = proposed.parent;
  member->step = proposed.step;
  member->island = proposed.island;
  member->generation = proposed.generation;
  const std::optional<Sha256Digest> hash = Sha256FromHex(proposed.source_hash);
  KS_CHECK(hash.has_value());
  member->source = Source(*hash, sources_);
  member->skill = std::move(proposed.skill);
  member->rationale = std::move(proposed.rationale);
  member->evaluation = std::move(evaluation);
  Measured* const measured = std::get_if<Measured>(&member->evaluation.outcome);
  if (measured != nullptr) DropSamples(measured->timings);
  DropSamples(member->evaluation.held_out);
  if (measured != nullptr && member->id < probes_) {
    Interval& speedup = measured->speedup;
    speedup = member->id == baseline_
                  ? Interval{1, 1, 1}
                  : Interval{speedup.low / baseline_scale_, speedup.mid / baseline_scale_,
                             speedup.high / baseline_scale_};
  }
  return member;
}

Result<MemberPtr> RunState::Find(CandidateId id) const {
  KS_CHECK(id >= 0 && id < applied_);
  const MemberPtr& held = held_[static_cast<size_t>(id) % held_.size()];
  if (held != nullptr && held->id == id) return held;
  MemberPtr& recalled = recalled_[static_cast<size_t>(id) % recalled_.size()];
  if (recalled == nullptr || recalled->id != id) {
    KS_ASSIGN_OR_RETURN(recalled, Load(id));
  }
  return recalled;
}

Result<MemberPtr> RunState::Load(CandidateId id) const {
  KS_ASSIGN_OR_RETURN(std::vector<Event> proposed, store_.ReadSome(entry(id).proposed_at - 1, 1));
  KS_ASSIGN_OR_RETURN(std::vector<Event> evaluated, store_.ReadSome(entry(id).evaluated_at - 1, 1));
  if (proposed.empty() || evaluated.empty()) return Broken(id);
  auto* const proposal = std::get_if<CandidateProposed>(&proposed.front().body);
  auto* const result = std::get_if<CandidateEvaluated>(&evaluated.front().body);
  if (proposal == nullptr || result == nullptr || proposal->id != id || result->id != id) {
    return Broken(id);
  }
  return MakeMember(std::move(*proposal), std::move(result->evaluation));
}

Result<MemberPtr> RunState::NearestMeasured(CandidateId id) const {
  while (id != kNoCandidate && (id >= applied_ || !entry(id).measured)) id = parent(id);
  if (id == kNoCandidate) return MemberPtr();
  return Find(id);
}

void RunState::LinkToParent(CandidateId id, bool failed) {
  Entry& child = entry(id);
  if (child.parent < 0) return;
  Entry& parent = entry(child.parent);
  child.older_sibling = std::exchange(parent.newest_child, static_cast<Index>(id));
  if (!failed) return;
  child.older_failed_sibling = std::exchange(parent.newest_failed_child, static_cast<Index>(id));
}

Result<std::vector<MemberPtr>> RunState::ChildrenOf(CandidateId id, size_t most) const {
  std::vector<MemberPtr> children;
  if (entry(id).newest_child >= 0) children.reserve(most);
  for (Index at = entry(id).newest_child; at >= 0 && children.size() < most;
       at = entry(at).older_sibling) {
    KS_ASSIGN_OR_RETURN(children.emplace_back(), Find(at));
  }
  std::reverse(children.begin(), children.end());
  return children;
}

Result<std::vector<MemberPtr>> RunState::FailedChildrenOf(CandidateId id, size_t most) const {
  std::vector<MemberPtr> children;
  if (entry(id).newest_failed_child >= 0) children.reserve(most);
  for (Index at = entry(id).newest_failed_child; at >= 0 && children.size() < most;
       at = entry(at).older_failed_sibling) {
    KS_ASSIGN_OR_RETURN(children.emplace_back(), Find(at));
  }
  std::reverse(children.begin(), children.end());
  return children;
}

const std::deque<MemberPtr>& RunState::FailuresOf(int island) const {
  static const std::deque<MemberPtr> kNone;
  const auto it = failures_.find(island);
  return it == failures_.end() ? kNone : it->second;
}

void RunState::NoteFailure(const MemberPtr& member) {
  if (!FailedByItself(member->evaluation.outcome)) return;
  std::deque<MemberPtr>& failures = failures_[member->island];
  failures.push_back(member);
  if (failures.size() > ProposalContext::kMostFailures) failures.pop_front();
}

void RunState::RecordSkill(const Member& member, const std::optional<ModelUse>& use) {
  SkillRecord& record = skills_[member.skill];
  CountUse(member.evaluation.outcome, record);
  if (!use) return;
  ++record.paid;
  record.cost_usd += use->cost_usd;
  record.prompt_tokens += use->prompt_tokens;
  record.answer_tokens += use->answer_tokens;
}

}  // namespace ks
