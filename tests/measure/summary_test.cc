#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "measure/paired.h"

namespace ks {
namespace {

TEST(SummarizeTimes, GivesMedianTailAndSpread) {
  std::vector<double> ns;
  for (int i = 1; i <= 101; ++i) ns.push_back(1000 + i);
  const TimeSummary summary = SummarizeTimes(ns);
  EXPECT_DOUBLE_EQ(summary.median_ns, 1051);
  EXPECT_DOUBLE_EQ(summary.p99_ns, 1100);
  EXPECT_NEAR(summary.cv, 29.3 / 1051, 1e-3);
  EXPECT_EQ(summary.samples, 101);
}

TEST(SummarizeTimes, KeepsOutliersOutOfTheSpreadButInTheTail) {
  std::vector<double> ns;
  for (int i = 0; i < 100; ++i) ns.push_back(1000 + i % 10);
  const double quiet = SummarizeTimes(ns).cv;
  for (int i = 0; i < 5; ++i) ns.push_back(50'000);
  const TimeSummary summary = SummarizeTimes(ns);
  EXPECT_NEAR(summary.cv, quiet, 1e-9);
  EXPECT_GT(summary.p99_ns, 40'000);
}

TEST(SummarizeTimes, TakesOneTimeOrNone) {
  EXPECT_EQ(SummarizeTimes({}).samples, 0);
  const double one[] = {5.0};
  EXPECT_EQ(SummarizeTimes(one).median_ns, 5.0);
  EXPECT_EQ(SummarizeTimes(one).cv, 0.0);
}

TEST(GeometricMean, MultipliesMidsAndNarrowsWithMoreRatios) {
  const Interval ratio{1.9, 2.0, 2.1};
  const Interval other{7.6, 8.0, 8.4};
  const Interval both[] = {ratio, other};
  const Interval mean = GeometricMean(both);
  EXPECT_NEAR(mean.mid, 4.0, 1e-12);
  EXPECT_NEAR(std::log(mean.mid / mean.low), std::log(2.0 / 1.9) / std::sqrt(2.0), 1e-9);
  const Interval one[] = {ratio};
  EXPECT_NEAR(GeometricMean(one).low, 1.9, 1e-12);
  EXPECT_EQ(GeometricMean({}), (Interval{1, 1, 1}));
}

TEST(GeometricMean, KeepsTheLongerSideLong) {
  const Interval skewed[] = {{1.0, 2.0, 2.02}, {1.99, 2.0, 2.01}};
  const Interval mean = GeometricMean(skewed);
  EXPECT_GT(mean.mid / mean.low, 5 * (mean.high / mean.mid - 1) + 1);
}

TEST(GeometricMean, OfAnUnmeasuredRatioIsUnknown) {
  const Interval ratios[] = {{0, 0, std::numeric_limits<double>::infinity()}, {2, 2, 2}};
  EXPECT_EQ(GeometricMean(ratios).low, 0);
  EXPECT_TRUE(std::isinf(GeometricMean(ratios).high));
}

TEST(Chain, MultipliesAndAddsErrors) {
  const Interval chained = Chain({1.8, 2.0, 2.2}, {2.7, 3.0, 3.3});
  EXPECT_NEAR(chained.mid, 6.0, 1e-12);
  EXPECT_LT(chained.low, 6.0 * 0.9);
  EXPECT_GT(chained.low, 6.0 * 0.81);
  EXPECT_EQ(Chain({2, 2, 2}, {1, 1, 1}), (Interval{2, 2, 2}));
}

TEST(Chain, StaysFiniteWithALowOfZero) {
  const Interval chained = Chain({0, 2, 3}, {1, 1, 1});
  EXPECT_EQ(chained.low, 0);
  EXPECT_NEAR(chained.high, 3, 1e-12);
}

TEST(Significance, NeedsTheWholeIntervalBeyondTheMargin) {
  EXPECT_TRUE(IsSignificantGain({1.011, 1.03, 1.05}, 0.01));
  EXPECT_FALSE(IsSignificantGain({1.009, 1.03, 1.05}, 0.01));
  EXPECT_TRUE(IsSignificantLoss({0.90, 0.95, 0.98}, 0.01));
  EXPECT_FALSE(IsSignificantLoss({0.90, 0.95, 0.995}, 0.01));
}

}  // namespace
}  // namespace ks
