#include "engine/run_state.h"

#include <cmath>
#include <utility>

#include "base/check.h"

namespace ks {

void RunState::AddProposal(const CandidateProposed& proposed, std::string source,
                           std::string normalized_hash) {
  KS_CHECK(proposed.id == size());
  entries_.push_back({proposed, std::move(source), std::nullopt, nullptr});
  seen_.insert(std::move(normalized_hash));
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
  if (Measured* measured = std::get_if<Measured>(&member.evaluation.outcome);
      measured != nullptr && id < probes_) {
    Interval& speedup = measured->speedup;
    speedup = id == baseline_
                  ? Interval{1, 1, 1}
                  : Interval{speedup.low / baseline_scale_, speedup.mid / baseline_scale_,
                             speedup.high / baseline_scale_};
  }
  e.member = std::make_shared<const Member>(std::move(member));
  archive_.Add(e.member);
  children_[e.member->parent].push_back(e.member);
  if (id >= probes_) RecordSkill(*e.member);
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

std::vector<MemberPtr> RunState::ChildrenOf(CandidateId id) const {
  const auto it = children_.find(id);
  return it == children_.end() ? std::vector<MemberPtr>{} : it->second;
}

}  // namespace ks
