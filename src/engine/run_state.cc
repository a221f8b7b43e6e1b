#include "engine/run_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace ks {
namespace {

// Kilobytes a kernel that nobody looks at again; the record has them.
void DropSamples(std::vector<WorkloadTiming>& timings) {
  for (WorkloadTiming& timing : timings) {
    std::vector<double>().swap(timing.samples_ns);
    std::vector<double>().swap(timing.parent_samples_ns);
  }
}

}  // namespace

void RunState::AddProposal(const CandidateProposed& proposed, std::string source,
                           const std::string& normalized_hash) {
  KS_CHECK(proposed.id == size());
  entries_.push_back({proposed, std::move(source), std::nullopt, nullptr});
  if (!normalized_hash.empty()) seen_->Insert(normalized_hash, proposed.id);
}

void RunState::SetEvaluation(CandidateId id, Evaluation evaluation) {
  entry(id).evaluation = std::move(evaluation);
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
  Entry& e = entry(id);
  KS_CHECK(e.evaluation.has_value());
  Member member;
  member.id = id;
  member.parent = e.proposed.parent;
  member.step = e.proposed.step;
  member.island = e.proposed.island;
  member.generation = e.proposed.generation;
  member.source = e.source;
  member.skill = e.proposed.skill;
  member.rationale = e.proposed.rationale;
  member.evaluation = *e.evaluation;
  Measured* const measured = std::get_if<Measured>(&member.evaluation.outcome);
  if (measured != nullptr) DropSamples(measured->timings);
  DropSamples(member.evaluation.held_out);
  if (measured != nullptr && id < probes_) {
    Interval& speedup = measured->speedup;
    speedup = id == baseline_
                  ? Interval{1, 1, 1}
                  : Interval{speedup.low / baseline_scale_, speedup.mid / baseline_scale_,
                             speedup.high / baseline_scale_};
  }
  e.member = std::make_shared<const Member>(std::move(member));
  archive_.Add(e.member);
  children_[e.member->parent].push_back(e.member);
  NoteFailure(e.member);
  if (id >= probes_) RecordSkill(*e.member);
}

void RunState::NoteFailure(const MemberPtr& member) {
  const Outcome& outcome = member->evaluation.outcome;
  if (AsMeasured(outcome) != nullptr || std::holds_alternative<DuplicateOf>(outcome)) return;
  std::deque<MemberPtr>& failures = failures_[member->island];
  failures.push_back(member);
  if (failures.size() > ProposalContext::kMostFailures) failures.pop_front();
}

void RunState::RecordSkill(const Member& member) {
  SkillRecord& record = skills_[member.skill];
  ++record.tried;
  const Measured* measured = member.measured();
  if (measured == nullptr) return;
  ++record.measured;
  if (!measured->gain_significant) return;
  ++record.held;
  record.log_gain += std::log(measured->gain.mid);
}

std::vector<MemberPtr> RunState::ChildrenOf(CandidateId id, size_t most) const {
  const auto it = children_.find(id);
  if (it == children_.end()) return {};
  const std::vector<MemberPtr>& all = it->second;
  return {all.end() - static_cast<std::ptrdiff_t>(std::min(most, all.size())), all.end()};
}

const std::deque<MemberPtr>& RunState::FailuresOf(int island) const {
  static const std::deque<MemberPtr> kNone;
  const auto it = failures_.find(island);
  return it == failures_.end() ? kNone : it->second;
}

}  // namespace ks
