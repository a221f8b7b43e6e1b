#include "measure/protocol_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>
#include <vector>

namespace ks {
namespace {

TEST(ProtocolMetrics, CountASpeedupBelowOneAsZero) {
  const std::vector<SuiteResult> results = {{1, true, 3.0}, {1, true, 0.5}, {1, false, 9.0}};
  const SuiteMetrics metrics = MetricsOf(results);
  EXPECT_EQ(metrics.tasks, 3);
  EXPECT_DOUBLE_EQ(metrics.corr, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.fast_1, 1.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.amsr, 1.0);
  EXPECT_DOUBLE_EQ(metrics.geometric_mean, std::sqrt(1.5));
}

TEST(ProtocolMetrics, AnEqualTimeIsNotFasterButCounts) {
  const std::vector<SuiteResult> results = {{1, true, 1.0}};
  EXPECT_EQ(FastP(results, 1), 0);
  EXPECT_EQ(FastP(results, 0.999), 1);
  EXPECT_EQ(MetricsOf(results).amsr, 1);
}

TEST(ProtocolMetrics, FastPIsStrictAndNeedsCorrectness) {
  const std::vector<SuiteResult> results = {
      {1, true, 2.0}, {1, true, 2.5}, {1, false, 4.0}, {2, true, 1.5}};
  EXPECT_DOUBLE_EQ(FastP(results, 2), 0.25);
  EXPECT_DOUBLE_EQ(FastP(results, 1), 0.75);
  EXPECT_DOUBLE_EQ(FastP(results, 0), 0.75);
}

// The paper's table 1 for its own model: 2.30, 7.77 and 1.02 give 3.70; weighted by the tasks of
// the levels (100, 100, 50) they give 4.23.
TEST(ProtocolMetrics, AverageOverLevelsAsThePaperDoes) {
  std::vector<SuiteResult> results;
  for (const auto& [level, count, speedup] :
       {std::tuple(1, 100, 2.30), std::tuple(2, 100, 7.77), std::tuple(3, 50, 1.02)}) {
    for (int i = 0; i < count; ++i) results.push_back({level, true, speedup});
  }
  const ProtocolMetrics metrics = PaperMetrics(results);
  ASSERT_EQ(metrics.levels.size(), 3u);
  EXPECT_NEAR(metrics.levels[1].metrics.amsr, 7.77, 1e-9);
  EXPECT_NEAR(metrics.macro.amsr, 3.70, 0.005);
  EXPECT_NEAR(metrics.by_task.amsr, 4.23, 0.005);
  EXPECT_EQ(metrics.macro.tasks, 250);
}

TEST(ProtocolMetrics, ALevelWithFewTasksWeighsAsMuchAsTheOthers) {
  const std::vector<SuiteResult> results = {
      {1, true, 2.0}, {1, true, 2.0}, {1, true, 2.0}, {3, false, 0.0}};
  const ProtocolMetrics metrics = PaperMetrics(results);
  EXPECT_DOUBLE_EQ(metrics.macro.corr, 0.5);
  EXPECT_DOUBLE_EQ(metrics.by_task.corr, 0.75);
  EXPECT_DOUBLE_EQ(metrics.macro.amsr, 1.0);
  EXPECT_DOUBLE_EQ(metrics.by_task.amsr, 1.5);
}

TEST(ProtocolMetrics, AreZeroWithoutResults) {
  EXPECT_EQ(MetricsOf({}), SuiteMetrics{});
  EXPECT_EQ(FastP({}, 1), 0);
  const ProtocolMetrics metrics = PaperMetrics({});
  EXPECT_TRUE(metrics.levels.empty());
  EXPECT_EQ(metrics.macro, SuiteMetrics{});
}

}  // namespace
}  // namespace ks
