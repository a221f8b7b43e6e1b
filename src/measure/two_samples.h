// Do two samples come from one distribution? Rank tests that assume no shape, exact where the
// samples are small; and the interval of a ratio of geometric means over a suite.
#ifndef KS_MEASURE_TWO_SAMPLES_H_
#define KS_MEASURE_TWO_SAMPLES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "core/outcome.h"

namespace ks {

// Two-sided p of the rank-sum test (Mann and Whitney, "On a test of whether one of two random
// variables is stochastically larger than the other", 1947), with middle ranks for ties. Exact up
// to 60 values in all, else by the normal approximation. 1 when a sample is empty.
double RankSumP(std::span<const double> a, std::span<const double> b);

// Two-sided p of the signed-rank test for paired differences around zero (Wilcoxon, "Individual
// comparisons by ranking methods", 1945); zeros are dropped. Exact up to 60 differences, else by
// the normal approximation. 1 without any difference.
double SignedRankP(std::span<const double> differences);

// p values corrected for that many tests (Holm, "A simple sequentially rejective multiple test
// procedure", 1979), in the order given.
std::vector<double> HolmCorrected(std::span<const double> p);

// Linear interpolation between order statistics (Hyndman and Fan, 1996, type 7). REQUIRES: sorted,
// not empty, 0 <= share <= 1.
double SampleQuantile(std::span<const double> sorted, double share);

// The results of two methods on one task, one value a seed. All values > 0.
struct TaskSamples {
  std::vector<double> a, b;
};
// Geometric mean over the tasks of (geometric mean of a / geometric mean of b). The interval is a
// percentile bootstrap over the seeds of every task (Efron and Tibshirani, 1993, chapter 13): the
// tasks are the suite and stay. Deterministic in `seed`. REQUIRES: no sample is empty. {1, 1, 1}
// without tasks.
Interval GeometricMeanRatio(std::span<const TaskSamples> tasks, double confidence, uint64_t seed);

}  // namespace ks

#endif  // KS_MEASURE_TWO_SAMPLES_H_
