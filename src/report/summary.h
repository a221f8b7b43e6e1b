// What tables, JSON and the HTML report all need to know about a run. Pure functions of the view.
#ifndef KS_REPORT_SUMMARY_H_
#define KS_REPORT_SUMMARY_H_

#include <string>
#include <vector>

#include "core/run_view.h"

namespace ks {

// The seed, or the seed with other flags: a step of no proposer.
bool IsProbe(const CandidateView& candidate);

// What became of the uses of one skill.
struct SkillSummary {
  std::string skill;
  int tried = 0;         // evaluated uses
  int measured = 0;      // compiled, correct and timed
  int held = 0;          // significant gain over the parent
  double mean_gain = 0;  // geometric mean over held uses; 0: none held
  double best_gain = 0;  // 0: none held
};
// Most useful first (held, then mean gain, then name). The seed and the flag probes are no skills.
std::vector<SkillSummary> SummarizeSkills(const RunView& view);

// Up to `count` measured candidates, highest low end of the speed-up first.
std::vector<CandidateId> TopCandidates(const RunView& view, size_t count);

// Evaluated candidates in the order in which their results were recorded.
std::vector<CandidateId> EvaluationOrder(const RunView& view);

// The best candidate known after each evaluation.
struct BestPoint {
  int evaluation = 0;  // 1 = the first
  double elapsed_s = 0;
  CandidateId best = kNoCandidate;
  Interval speedup;  // over the baseline
};
// Only the evaluations at which the best changed, on the scale of the final baseline.
std::vector<BestPoint> BestSoFar(const RunView& view);

// The best known after a step; only those at which it changed.
struct ProgressPoint {
  int64_t evaluation = 0;  // 1 = the first after the baseline was chosen
  double seconds = 0;      // since the start of the run
  double speedup = 0;      // of the best so far over the baseline, mid of its interval
};
// Evaluations after the baseline was chosen, and the best so far over them. Empty without baseline.
struct SearchProgress {
  int64_t evaluations = 0;
  std::vector<ProgressPoint> points;
};
SearchProgress ProgressOf(const RunView& view);

// What models were paid for a whole run.
struct ModelSpending {
  double cost_usd = 0;
  int64_t tokens = 0;  // read and written
};
ModelSpending SpendingOf(const RunView& view);

// Steps from the seed to `id` (0 for the seed; -1 for kNoCandidate).
int StepsFromSeed(const RunView& view, CandidateId id);

// "256 bit, blocked x2, ..." for the cell of which `id` is the elite; empty when it is none.
std::string CellLabel(const std::vector<CellView>& cells, const std::vector<DescriptorAxis>& axes,
                      CandidateId id);

// "finished: 200 steps reached" and so on, for people.
std::string StopText(const RunView& view);

// Was evolution needed? What sampling from the seed alone found, and what the search had found
// after as many evaluations: an estimate from one run. The probes of flags count on neither side;
// the baseline is what both have from the start.
struct OneShot {
  int samples = 0;                         // evaluated children of the seed or its flag variants
  CandidateId best = kNoCandidate;         // of them; kNoCandidate: the baseline
  Interval speedup;                        // its own
  CandidateId search_best = kNoCandidate;  // of the first `samples` evaluations of the run
  Interval search_speedup;                 // its own
  int evaluations = 0;                     // of the whole run, probes left out
};
OneShot OneShotOf(const RunView& view);
// One sentence. Empty: there were no samples, or nothing was measured.
std::string OneShotText(const RunView& view);

}  // namespace ks

#endif  // KS_REPORT_SUMMARY_H_
