// The state of a search as the fold of its applied steps: archive, lineages, records of skills. Of
// a candidate it keeps some 40 bytes; the candidate itself is read back from the store when it is
// looked at and neither new nor looked at lately.
#ifndef KS_ENGINE_RUN_STATE_H_
#define KS_ENGINE_RUN_STATE_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/archive.h"
#include "core/event.h"
#include "core/proposer.h"
#include "core/store.h"
#include "engine/hash_index.h"

namespace ks {

// Its binary is not that of an earlier candidate.
bool HasOwnBinary(const Evaluation& evaluation);

// Single thread, but for seen(), binaries() and NoteBinary. Archive and store outlive it.
class RunState {
 public:
  // Members newer than this many steps are held: more than can be waiting for their commit.
  static constexpr size_t kHeld = 16384;

  // `sources` gives the texts of members.
  RunState(Archive& archive, const Store& store, std::shared_ptr<const SourceReader> sources);

  // Records of skills from other runs, to which those of this one are added. REQUIRES: nothing was
  // applied yet.
  void SetPriorSkills(std::map<std::string, SkillRecord> records) { skills_ = std::move(records); }
  // A proposal was made (or read from the record). Ids come in order. `sequence` is that of its
  // event, as below. `normalized_hash` may be empty: nothing counts as its repetition.
  void AddProposal(int64_t sequence, CandidateProposed proposed,
                   const std::string& normalized_hash);
  // Its outcome is known. Not yet applied. REQUIRES: not judged.
  void SetEvaluation(int64_t sequence, CandidateId id, Evaluation evaluation);
  // From here on so many of the newest applied members are held: those that are not committed yet
  // must be among them. kHeld unless a record is being taken over.
  void HoldNewest(size_t members);
  // Later candidates with the same binary are its duplicates. From any thread.
  void NoteBinary(CandidateId id, const Evaluation& evaluation) const;
  // The baseline's own scale becomes 1; applies all steps up to the last proposal made so far.
  // REQUIRES: all of them are judged, `id` was measured.
  void ChooseBaseline(CandidateId id);
  // Adds steps <= `last` to the archive, in order. REQUIRES: all judged, baseline chosen.
  void ApplyUpTo(CandidateId last);
  // As ApplyUpTo for all, leaving out candidates without an outcome (a record that was cut off).
  void ApplyJudged();

  CandidateId size() const { return static_cast<CandidateId>(entries_.size()); }
  CandidateId baseline() const { return baseline_; }
  CandidateId applied() const { return applied_; }  // number of applied steps
  bool judged(CandidateId id) const { return entry(id).evaluated_at > 0; }
  bool judged_up_to(CandidateId last) const;
  CandidateId parent(CandidateId id) const { return entry(id).parent; }
  // REQUIRES: not applied yet.
  const CandidateProposed& proposed(CandidateId id) const { return pending(id).proposed; }
  // REQUIRES: judged, not applied yet.
  const Evaluation& evaluation(CandidateId id) const { return *pending(id).evaluation; }
  // REQUIRES: applied. ERRORS: the store's.
  Result<MemberPtr> Find(CandidateId id) const;
  // The nearest of `id` and its ancestors that was measured and applied; null: none. ERRORS: the
  // store's.
  Result<MemberPtr> NearestMeasured(CandidateId id) const;
  // The newest `most` applied children, oldest first, all of them or those that failed. ERRORS: the
  // store's.
  Result<std::vector<MemberPtr>> ChildrenOf(CandidateId id, size_t most) const;
  Result<std::vector<MemberPtr>> FailedChildrenOf(CandidateId id, size_t most) const;
  // The latest candidates of an island that failed by themselves, oldest first.
  const std::deque<MemberPtr>& FailuresOf(int island) const;
  const std::map<std::string, SkillRecord>& skills() const { return skills_; }
  // Shared with proposers on other threads.
  const std::shared_ptr<HashIndex>& seen() const { return seen_; }
  // Judged ones by binary hash. Shared with evaluators on other threads.
  const std::shared_ptr<HashIndex>& binaries() const { return binaries_; }
  Archive& archive() { return archive_; }
  const Archive& archive() const { return archive_; }

 private:
  using Index = int32_t;  // of a candidate; -1: none
  struct Entry {
    int64_t proposed_at = 0;   // sequences of its events
    int64_t evaluated_at = 0;  // 0: not judged
    Index parent = -1;
    Index older_sibling = -1;
    Index newest_child = -1;
    Index older_failed_sibling = -1;
    Index newest_failed_child = -1;
    bool measured = false;
  };
  struct Pending {
    CandidateProposed proposed;
    std::optional<Evaluation> evaluation;
  };

  Entry& entry(CandidateId id) { return entries_.at(static_cast<size_t>(id)); }
  const Entry& entry(CandidateId id) const { return entries_.at(static_cast<size_t>(id)); }
  // REQUIRES: not applied yet.
  Pending& pending(CandidateId id) {
    return const_cast<Pending&>(std::as_const(*this).pending(id));
  }
  const Pending& pending(CandidateId id) const;
  void MakeRoomForPending();
  void Apply(CandidateId id);
  MemberPtr MakeMember(CandidateProposed proposed, Evaluation evaluation) const;
  Result<MemberPtr> Load(CandidateId id) const;
  void LinkToParent(CandidateId id, bool failed);
  void RecordSkill(const Member& member, const std::optional<ModelUse>& use);
  void NoteFailure(const MemberPtr& member);

  Archive& archive_;
  const Store& store_;
  const std::shared_ptr<const SourceReader> sources_;
  std::vector<Entry> entries_;
  std::vector<Pending> pending_;             // not applied, by id; a power of two
  std::vector<MemberPtr> held_;              // the newest applied, by id
  mutable std::vector<MemberPtr> recalled_;  // older ones looked at lately, by id
  std::shared_ptr<HashIndex> seen_ = std::make_shared<HashIndex>();
  std::shared_ptr<HashIndex> binaries_ = std::make_shared<HashIndex>();
  std::map<std::string, SkillRecord> skills_;
  std::map<int, std::deque<MemberPtr>> failures_;  // by island
  CandidateId baseline_ = kNoCandidate;
  double baseline_scale_ = 1;
  CandidateId probes_ = 0;  // candidates judged on the seed's scale
  CandidateId applied_ = 0;
};

}  // namespace ks

#endif  // KS_ENGINE_RUN_STATE_H_
