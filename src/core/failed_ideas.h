// What was tried and led nowhere, so that a proposer can be told not to try it again.
#ifndef KS_CORE_FAILED_IDEAS_H_
#define KS_CORE_FAILED_IDEAS_H_

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "core/archive.h"

namespace ks {

// One idea on one parent; the same skill with the same sort of end again only counts.
struct FailedIdea {
  CandidateId parent = kNoCandidate;  // what it was tried on
  CandidateId last = kNoCandidate;    // the candidate that tried it last
  std::string skill;
  std::string rationale;  // of the last try, at most kLongestText bytes
  std::string outcome;    // of the last try: OutcomeSummary, or "slower: 0.93x [0.91, 0.95]"
  int64_t tries = 1;
};

// A bounded memory: the oldest ideas are forgotten. Single thread; deterministic in the sequence of
// Note calls.
class FailedIdeas {
 public:
  // Keeps what failed, and what was measured and is slower than its parent with its whole interval.
  // Duplicates and anything else are no failed idea.
  void Note(const Member& member);
  // Those tried on `lineage` (a parent and its ancestors) first, then others; the latest first.
  std::vector<FailedIdea> Show(std::span<const CandidateId> lineage, size_t most) const;
  size_t size() const { return ideas_.size(); }

  static constexpr size_t kMostIdeas = 256;
  static constexpr size_t kLongestText = 240;

 private:
  std::deque<FailedIdea> ideas_;  // the latest last
};

// "skill on c12: rationale -> outcome (3 tries)", one line, without control characters.
std::string FailedIdeaText(const FailedIdea& idea);

}  // namespace ks

#endif  // KS_CORE_FAILED_IDEAS_H_
