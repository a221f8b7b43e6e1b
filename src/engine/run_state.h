// The state of a search as the fold of its applied steps: members, archive, records of skills.
#ifndef KS_ENGINE_RUN_STATE_H_
#define KS_ENGINE_RUN_STATE_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/archive.h"
#include "core/event.h"
#include "core/proposer.h"
#include "engine/seen_sources.h"

namespace ks {

// Single thread.
class RunState {
 public:
  explicit RunState(Archive& archive) : archive_(archive) {}

  // A proposal was made (or read from the record). Ids come in order. `normalized_hash` may be
  // empty: nothing counts as its repetition.
  void AddProposal(const CandidateProposed& proposed, std::string source,
                   const std::string& normalized_hash);
  // Its outcome is known. Not yet applied.
  void SetEvaluation(CandidateId id, Evaluation evaluation);
  // The baseline's own scale becomes 1; applies all steps up to the last proposal made so far.
  // REQUIRES: all of them are judged, `id` was measured.
  void ChooseBaseline(CandidateId id);
  // Adds steps <= `last` to the archive, in order. REQUIRES: all judged, baseline chosen.
  void ApplyUpTo(CandidateId last);
  // As ApplyUpTo, leaving out candidates without an outcome (a record that was cut off).
  void ApplyJudged();

  bool judged(CandidateId id) const { return entry(id).evaluation.has_value(); }
  // Shared with proposers on other threads.
  const std::shared_ptr<SeenSources>& seen() const { return seen_; }
  CandidateId size() const { return static_cast<CandidateId>(entries_.size()); }
  CandidateId baseline() const { return baseline_; }
  CandidateId applied() const { return applied_; }  // number of applied steps
  const CandidateProposed& proposed(CandidateId id) const { return entry(id).proposed; }
  const std::string& source(CandidateId id) const { return entry(id).source; }
  const Evaluation& evaluation(CandidateId id) const { return *entry(id).evaluation; }
  MemberPtr member(CandidateId id) const { return entry(id).member; }
  // The newest `most` children, oldest first.
  std::vector<MemberPtr> ChildrenOf(CandidateId id, size_t most) const;
  // The latest candidates of an island that failed by themselves, oldest first.
  const std::deque<MemberPtr>& FailuresOf(int island) const;
  const std::map<std::string, SkillRecord>& skills() const { return skills_; }
  Archive& archive() { return archive_; }
  const Archive& archive() const { return archive_; }

 private:
  struct Entry {
    CandidateProposed proposed;
    std::string source;
    std::optional<Evaluation> evaluation;
    MemberPtr member;  // once applied
  };
  Entry& entry(CandidateId id) { return entries_.at(static_cast<size_t>(id)); }
  const Entry& entry(CandidateId id) const { return entries_.at(static_cast<size_t>(id)); }
  void Apply(CandidateId id);
  void RecordSkill(const Member& member);
  void NoteFailure(const MemberPtr& member);

  Archive& archive_;
  std::vector<Entry> entries_;
  std::shared_ptr<SeenSources> seen_ = std::make_shared<SeenSources>();
  std::map<std::string, SkillRecord> skills_;
  std::map<CandidateId, std::vector<MemberPtr>> children_;
  std::map<int, std::deque<MemberPtr>> failures_;  // by island
  CandidateId baseline_ = kNoCandidate;
  double baseline_scale_ = 1;
  CandidateId probes_ = 0;  // candidates judged on the seed's scale
  CandidateId applied_ = 0;
};

}  // namespace ks

#endif  // KS_ENGINE_RUN_STATE_H_
