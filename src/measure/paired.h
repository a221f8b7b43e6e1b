// Paired comparison of two kernels: intervals of a ratio of times, stopping, combination.
// Numbers only: no clock, no process.
//
// Contract (helpers implement; docs/measurement.md explains): the two sides run interleaved A B B A,
// so that drift and throttling hit both; one quad gives one log-ratio.
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
// Robust against outliers on either side. {0,0,inf}-like when there are fewer than 3 samples.
Interval RatioInterval(std::span<const PairedSample> samples, double confidence);

// Location and spread of one side.
struct TimeSummary {
  double median_ns = 0;
  double p99_ns = 0;
  double cv = 0;
  int samples = 0;
};
TimeSummary SummarizeTimes(std::span<const double> ns);

// Geometric mean of independent ratios, interval by adding variances of logs.
Interval GeometricMean(std::span<const Interval> ratios);
// a over b and b over c give a over c (independent errors).
Interval Chain(const Interval& a_over_b, const Interval& b_over_c);
// True when the whole interval lies above 1 + margin.
bool IsSignificantGain(const Interval& gain, double margin);
bool IsSignificantLoss(const Interval& gain, double margin);

struct StoppingRule {
  double confidence = 0.995;
  double target_width = 0.01;   // relative half width
  double margin = 0.01;         // early stop when the verdict on 1 + margin is clear either way
  int min_pairs = 6;
  int max_pairs = 120;
  double budget_ns = 1e9;       // of measured time, both sides together
};

enum class StopReason { kContinue, kTight, kClearLoss, kMaxPairs, kBudget };

// Sequential stopping with alpha spending, so that looking often does not inflate false positives.
// Thread-compatible.
class PairedStopping {
 public:
  explicit PairedStopping(const StoppingRule& rule) : rule_(rule) {}
  StopReason Add(const PairedSample& sample);
  const std::vector<PairedSample>& samples() const { return samples_; }
  Interval interval() const;

 private:
  StoppingRule rule_;
  std::vector<PairedSample> samples_;
  double spent_ns_ = 0;
};

}  // namespace ks

#endif  // KS_MEASURE_PAIRED_H_
