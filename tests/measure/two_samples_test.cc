#include "measure/two_samples.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace ks {
namespace {

using Values = std::vector<double>;

TEST(RankSum, IsExactForSmallSamples) {
  // All of a below all of b: 2 of the C(10, 5) = 252 splits are as far out.
  EXPECT_NEAR(RankSumP(Values{1, 2, 3, 4, 5}, Values{6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);
  // Three against three: 2 of 20.
  EXPECT_NEAR(RankSumP(Values{9, 8, 7}, Values{1, 2, 3}), 0.1, 1e-12);
  // Rank sums 1 + 2 + 4 = 7 and 3 + 5 + 6: those of 6, 7, 14 and 15 are as far out, one each.
  EXPECT_NEAR(RankSumP(Values{1, 2, 4}, Values{3, 5, 6}), 4.0 / 20, 1e-12);
}

TEST(RankSum, GivesTiesTheMiddleRank) {
  EXPECT_NEAR(RankSumP(Values{1, 1, 1}, Values{1, 1, 1}), 1, 1e-12);
  // Ranks 1.5 1.5 | 3.5 3.5: only {1,1} and {2,2} of 6 splits are as far out.
  EXPECT_NEAR(RankSumP(Values{1, 1}, Values{2, 2}), 2.0 / 6, 1e-12);
}

TEST(RankSum, OfAnEmptySampleSaysNothing) {
  EXPECT_EQ(RankSumP(Values{}, Values{1, 2}), 1);
  EXPECT_EQ(RankSumP(Values{1}, Values{}), 1);
}

TEST(RankSum, TheApproximationFitsTheExactTest) {
  Rng rng(7);
  Values a, b;
  for (int i = 0; i < 30; ++i) {
    a.push_back(rng.Normal());
    b.push_back(rng.Normal() + 0.6);
  }
  const double exact = RankSumP(a, b);
  a.push_back(0.3);  // 61 values: the approximation
  EXPECT_NEAR(std::log(RankSumP(a, b)), std::log(exact), 0.5);
}

TEST(RankSum, OfTheSameDistributionIsSeldomSmall) {
  Rng rng(11);
  int small = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    Values a, b;
    for (int i = 0; i < 6; ++i) {
      a.push_back(rng.Normal());
      b.push_back(rng.Normal());
    }
    if (RankSumP(a, b) <= 0.05) ++small;
  }
  EXPECT_LT(small, 70);
  EXPECT_GT(small, 15);
}

TEST(SignedRank, IsExactForFewDifferences) {
  EXPECT_NEAR(SignedRankP(Values{1, 2, 3, 4, 5}), 2.0 / 32, 1e-12);
  EXPECT_NEAR(SignedRankP(Values{-1, 2, 3, 4, 5}), 4.0 / 32, 1e-12);
  EXPECT_NEAR(SignedRankP(Values{1, -1}), 1, 1e-12);
}

TEST(SignedRank, DropsZeros) {
  EXPECT_EQ(SignedRankP(Values{0, 0}), 1);
  EXPECT_NEAR(SignedRankP(Values{0, 1, 2, 3}), 2.0 / 8, 1e-12);
}

TEST(SignedRank, ApproximatesManyDifferences) {
  Values differences;
  for (int i = 1; i <= 100; ++i) differences.push_back(i % 4 == 0 ? -i : i);
  EXPECT_LT(SignedRankP(differences), 1e-4);
  for (double& d : differences) d = -d;
  EXPECT_LT(SignedRankP(differences), 1e-4);
}

TEST(Holm, StepsDownAndNeverFallsBelowAnEarlierOne) {
  const Values corrected = HolmCorrected(Values{0.04, 0.01, 0.03});
  EXPECT_NEAR(corrected[1], 0.03, 1e-12);
  EXPECT_NEAR(corrected[2], 0.06, 1e-12);
  EXPECT_NEAR(corrected[0], 0.06, 1e-12);
  EXPECT_EQ(HolmCorrected(Values{0.9, 0.8})[0], 1);
}

TEST(GeometricMeanRatio, IsExactWithoutSpread) {
  const std::vector<TaskSamples> tasks = {{{2, 2}, {1, 1}}, {{8, 8, 8}, {1}}};
  const Interval ratio = GeometricMeanRatio(tasks, 0.95, 1);
  EXPECT_NEAR(ratio.low, 4, 1e-9);
  EXPECT_NEAR(ratio.mid, 4, 1e-9);
  EXPECT_NEAR(ratio.high, 4, 1e-9);
}

TEST(GeometricMeanRatio, IntervalHoldsTheTruthAboutAsOftenAsItSays) {
  int held = 0;
  for (uint64_t trial = 0; trial < 100; ++trial) {
    Rng rng(trial);
    std::vector<TaskSamples> tasks(6);
    for (TaskSamples& task : tasks) {
      for (int i = 0; i < 8; ++i) {
        task.a.push_back(std::exp(0.2 * rng.Normal() + std::log(1.3)));
        task.b.push_back(std::exp(0.2 * rng.Normal()));
      }
    }
    const Interval ratio = GeometricMeanRatio(tasks, 0.95, trial);
    EXPECT_LE(ratio.low, ratio.mid);
    EXPECT_LE(ratio.mid, ratio.high);
    if (ratio.low <= 1.3 && 1.3 <= ratio.high) ++held;
  }
  EXPECT_GE(held, 85);
}

TEST(GeometricMeanRatio, OfNothingIsOne) {
  EXPECT_EQ(GeometricMeanRatio({}, 0.95, 1), (Interval{1, 1, 1}));
}

}  // namespace
}  // namespace ks
