// A run as people look at it: the fold of its events. Tables, reports and `show` read only this.
#ifndef KS_CORE_RUN_VIEW_H_
#define KS_CORE_RUN_VIEW_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/archive.h"
#include "core/event.h"

namespace ks {

struct CandidateView {
  CandidateProposed proposed;
  std::optional<Evaluation> evaluation;  // empty: in flight when the run stopped
  double elapsed_s = 0;                  // when its evaluation was recorded

  const Measured* measured() const {
    return evaluation ? AsMeasured(evaluation->outcome) : nullptr;
  }
};

struct RunView {
  RunStarted started;
  int64_t started_unix_ms = 0;
  std::vector<CandidateView> candidates;  // index = id
  CandidateId baseline = kNoCandidate;
  CandidateId baseline_chosen_after = kNoCandidate;  // last id judged on the seed's scale
  CandidateId best = kNoCandidate;                   // highest speedup.low among measured
  std::map<std::string, int> outcomes;               // name -> count, evaluated candidates only
  int evaluations = 0;
  double elapsed_s = 0;
  std::string stop_reason;  // empty: still running or killed
  int resumes = 0;

  // Speed-up of a measured candidate over the baseline (the baseline itself: 1). Candidates judged
  // before the baseline was chosen are rescaled. Zeros when it was not measured.
  Interval SpeedupOf(CandidateId id) const;
  // The same relative to the seed exactly as written. For candidates judged against the baseline
  // the uncertainty of the baseline is added: the bounds of both intervals are multiplied.
  Interval SpeedupOverSeed(CandidateId id) const;
  // Ids from the seed (first) to `id` (last).
  std::vector<CandidateId> Lineage(CandidateId id) const;
};

// ERRORS: kDataLoss when the events do not form a run: the first is not RunStarted or there is a
// second one, ids out of order or unknown, a candidate judged twice, or a baseline that was not
// measured or follows another.
Result<RunView> FoldEvents(const std::vector<Event>& events);

}  // namespace ks

#endif  // KS_CORE_RUN_VIEW_H_
