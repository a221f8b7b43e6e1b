#include "measure/low_rank_test.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/quantiles.h"
#include "tests/measure/noisy_machine.h"

namespace ks {
namespace {

TEST(Quantiles, AgreeWithPublishedTables) {
  EXPECT_NEAR(NormalUpperQuantile(0.025), 1.959963985, 1e-8);
  EXPECT_NEAR(NormalUpperQuantile(0.0005), 3.290526731, 1e-8);
  EXPECT_NEAR(NormalUpperQuantile(0.975), -1.959963985, 1e-8);
  EXPECT_NEAR(StudentUpperQuantile(0.025, 1), 12.7062, 1e-3);
  EXPECT_NEAR(StudentUpperQuantile(0.0005, 3), 12.924, 1e-3);
  EXPECT_NEAR(StudentUpperQuantile(0.005, 10), 3.1693, 1e-4);
  EXPECT_NEAR(StudentUpperQuantile(0.025, 1000), 1.9623, 1e-4);
}

TEST(LowRankTest, IsAntisymmetricInTheTwoSides) {
  const auto samples = NoisyMachine(1).Pairs(40, 1e6, 1.1e6);
  std::vector<PairedSample> swapped;
  for (const PairedSample& s : samples) swapped.push_back({s.candidate_ns, s.reference_ns});
  EXPECT_NEAR(LowRankTest(samples).At(0.02).z, -LowRankTest(swapped).At(-0.02).z, 1e-9);
}

TEST(LowRankTest, ScoresEqualTimesAsATie) {
  const std::vector<PairedSample> samples(20, {1000, 1000});
  EXPECT_EQ(LowRankTest(samples).At(0).z, 0);
  EXPECT_GT(LowRankTest(samples).At(-0.001).z, 3);
  EXPECT_LT(LowRankTest(samples).At(0.001).z, -3);
}

TEST(LowRankTest, FindsTheRatioOfExactTimes) {
  const std::vector<PairedSample> samples(30, {2000, 1000});
  const Interval logs = LowRankTest(samples).Invert(0.001);
  EXPECT_NEAR(logs.mid, std::log(2.0), 1e-5);
  EXPECT_NEAR(logs.low, std::log(2.0), 1e-5);
  EXPECT_NEAR(logs.high, std::log(2.0), 1e-5);
}

TEST(LowRankTest, IgnoresHalfOfTheCallsHoweverSlowTheyAre) {
  Rng rng(5);
  std::vector<PairedSample> samples;
  for (int i = 0; i < 100; ++i) {
    const auto call = [&](double ns) {
      return ns * (1 + 0.002 * rng.Uniform()) * (rng.Chance(0.5) ? 1.5 + 20 * rng.Uniform() : 1);
    };
    samples.push_back({call(1030), call(1000)});
  }
  const Interval logs = LowRankTest(samples).Invert(0.005);
  EXPECT_GT(logs.low, std::log(1.02));
  EXPECT_LT(logs.high, std::log(1.04));
}

TEST(LowRankTest, RejectsATrueHypothesisAsRarelyAsItsLevelSays) {
  int rejected = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const auto samples = NoisyMachine(seed).Pairs(32, 1e6, 1e6);
    rejected += LowRankTest(samples).RejectsFromBelow(0, 0.01);
  }
  EXPECT_LE(rejected, 40);  // 20 expected
  EXPECT_GE(rejected, 2);   // and not vacuous
}

}  // namespace
}  // namespace ks
