// The low-rank sign-flip test of two paired sides, and its inversion. Pure functions.
//
// Pool the 2n log times; score the lower half of the pool linearly (fastest highest, the slower
// half 0; percentile-modified ranks, J. L. Gastwirth, J. Am. Stat. Assoc. 60, 1965). Each pair
// gives D = score(candidate) - score(reference). When the two sides are exchangeable the sign of
// each D is a fair coin, so sum(D) has mean 0 and variance sum(D^2) whatever the distribution of
// times is.
#ifndef KS_MEASURE_LOW_RANK_TEST_H_
#define KS_MEASURE_LOW_RANK_TEST_H_

#include <cstdint>
#include <span>
#include <vector>

#include "measure/paired.h"

namespace ks {

struct LowRankScore {
  double z = 0;         // sum(D) / sqrt(sum(D^2)); above 0: candidate faster than the hypothesis
  double kurtosis = 0;  // excess, of the sign-flip distribution: -2 sum(D^4) / sum(D^2)^2
};

// Holds both sides sorted, so that a hypothesis costs O(n). Immutable.
class LowRankTest {
 public:
  // REQUIRES: at least 2 samples.
  explicit LowRankTest(std::span<const PairedSample> samples);
  // Against the hypothesis log(reference / candidate) = log_ratio.
  LowRankScore At(double log_ratio) const;
  // Whether the ratio lies above (below) the hypothesis at one-sided level `upper`. The critical
  // value is corrected for the kurtosis (Cornish and Fisher 1937).
  bool RejectsFromBelow(double log_ratio, double upper) const;
  bool RejectsFromAbove(double log_ratio, double upper) const;
  // Interval of the log ratio at two-sided level `alpha`, with the Hodges-Lehmann estimate in mid.
  Interval Invert(double alpha) const;

 private:
  struct Call {
    double log_ns;
    int64_t pair;
  };
  template <typename F>
  double Bisect(F is_below) const;

  std::vector<Call> reference_;
  std::vector<Call> candidate_;
};

}  // namespace ks

#endif  // KS_MEASURE_LOW_RANK_TEST_H_
