// Paired comparison of two kernels: intervals of a ratio of times, stopping, combination.
// Numbers only: no clock, no process. docs/measurement.md explains and gives the evidence.
//
// The two sides run interleaved A B B A, so that drift and throttling hit both. Interference only
// ever adds time, so the undisturbed (lower) part of both sides decides; the test flips signs
// within neighbouring pairs and so needs no noise model.
#ifndef KS_MEASURE_PAIRED_H_
#define KS_MEASURE_PAIRED_H_

#include <span>
#include <vector>

#include "core/outcome.h"

namespace ks {

// Times of neighbouring calls, nanoseconds.
struct PairedSample {
  double reference_ns = 0;  // parent or baseline
  double candidate_ns = 0;
};

// Interval of reference / candidate (above 1: the candidate is faster) at two-sided `confidence`.
// From 16 samples: inversion of the low-rank sign-flip test (Gastwirth 1965 scores, lower half of
// the pooled calls), immune to any number of outliers that leave a fast quarter; below: trimmed
// Student t of the log ratios (Yuen 1974), honest and wide. Always contains `mid`; finite from 3
// samples on, {0, 0, infinity} below. O(n log n).
Interval RatioInterval(std::span<const PairedSample> samples, double confidence);

// Location and spread of one side. cv: standard deviation / mean of the calls within five robust
// deviations of the median. Zeros when `ns` is empty.
struct TimeSummary {
  double median_ns = 0;
  double p99_ns = 0;
  double cv = 0;
  int samples = 0;
};
TimeSummary SummarizeTimes(std::span<const double> ns);

// Geometric mean of independent ratios: half widths of the logs add in quadrature, each side by
// itself. {1, 1, 1} when empty.
Interval GeometricMean(std::span<const Interval> ratios);
// a over b and b over c give a over c (independent errors, combined as above).
Interval Chain(const Interval& a_over_b, const Interval& b_over_c);
// True when the whole interval lies above 1 + margin, or below 1 - margin.
bool IsSignificantGain(const Interval& gain, double margin);
bool IsSignificantLoss(const Interval& gain, double margin);
// Half the width on the log scale: 0.01 is about +-1 %. Infinity when low is 0.
double RelativeHalfWidth(const Interval& interval);

struct StoppingRule {
  double confidence = 0.995;
  double target_width = 0.01;  // relative half width
  double margin = 0.01;        // early stop when the verdict on 1 + margin is clear either way
  int min_pairs = 6;
  int max_pairs = 480;
  double budget_ns = 1e9;  // of measured time, both sides together
  double extension = 3.0;  // times the budget while a gain is likely but not shown; 1: never
};

enum class StopReason { kContinue, kTight, kClearGain, kClearLoss, kMaxPairs, kBudget };
// "continue", "tight", "clear_gain", "clear_loss", "max_pairs", "budget".
const char* StopReasonName(StopReason reason);

// Sequential stopping. Gains are looked for only at min_pairs, twice, four times ... as many pairs,
// each look at an equal share of 1 - confidence (union bound), so that looking often does not
// inflate false gains; losers are dropped at any count from 4 pairs on, which costs power but
// cannot make a gain. Stops at max_pairs; at the budget once min_pairs are there, at twice the
// budget with 4 pairs, at four times with 3. When the estimate lies above 1 + margin at the budget
// but the interval does not, the budget is extended once; that look takes half of the level left.
// Thread-compatible.
class PairedStopping {
 public:
  explicit PairedStopping(const StoppingRule& rule);
  // REQUIRES: the last Add returned kContinue.
  StopReason Add(const PairedSample& sample);
  const std::vector<PairedSample>& samples() const { return samples_; }
  // At the level that is left for the present look.
  Interval interval() const;
  double spent_ns() const { return spent_ns_; }

 private:
  StopReason Look();
  StopReason LookAtBudget();
  bool OverBudget() const;
  bool IsHopeless() const;

  StoppingRule rule_;
  std::vector<PairedSample> samples_;
  double spent_ns_ = 0;
  int next_look_ = 0;  // pairs
  double alpha_left_ = 0;
  int looks_left_ = 0;
  bool extended_ = false;
  StopReason reason_ = StopReason::kContinue;
};

}  // namespace ks

#endif  // KS_MEASURE_PAIRED_H_
