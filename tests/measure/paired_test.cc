#include "measure/paired.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/measure/noisy_machine.h"

namespace ks {
namespace {

constexpr double kMs = 1e6;

struct Comparison {
  StopReason reason = StopReason::kContinue;
  Interval interval;
  size_t pairs = 0;
  double spent_ns = 0;
};

Comparison Compare(const std::function<PairedSample()>& next, const StoppingRule& rule = {}) {
  PairedStopping stopping(rule);
  StopReason reason = StopReason::kContinue;
  while (reason == StopReason::kContinue) reason = stopping.Add(next());
  return {reason, stopping.interval(), stopping.samples().size(), stopping.spent_ns()};
}

Comparison CompareOn(uint64_t seed, double reference_ns, double candidate_ns) {
  NoisyMachine machine(seed);
  return Compare([&] { return machine.Pair(reference_ns, candidate_ns); });
}

TEST(RatioInterval, ContainsItsEstimateAndTheTruth) {
  for (const int pairs : {3, 6, 12, 24, 96}) {
    int missed = 0;
    for (uint64_t seed = 0; seed < 100; ++seed) {
      const Interval ratio = RatioInterval(NoisyMachine(seed).Pairs(pairs, 2 * kMs, kMs), 0.99);
      ASSERT_LE(ratio.low, ratio.mid);
      ASSERT_LE(ratio.mid, ratio.high);
      ASSERT_TRUE(std::isfinite(ratio.high));
      missed += ratio.low > 2 || ratio.high < 2;
    }
    EXPECT_LE(missed, 5) << pairs << " pairs";
  }
}

TEST(RatioInterval, NarrowsWithMorePairsAndLessConfidence) {
  const auto samples = NoisyMachine(3).Pairs(200, 2 * kMs, kMs);
  const std::span<const PairedSample> all(samples);
  const double wide = RelativeHalfWidth(RatioInterval(all.first(24), 0.995));
  const double narrow = RelativeHalfWidth(RatioInterval(all, 0.995));
  EXPECT_LT(narrow, wide / 2);
  EXPECT_LT(RelativeHalfWidth(RatioInterval(all, 0.9)), narrow);
}

TEST(RatioInterval, SaysNothingWithFewerThanThreePairs) {
  const PairedSample samples[] = {{1, 1}, {1, 1}};
  const Interval ratio = RatioInterval(samples, 0.99);
  EXPECT_EQ(ratio.low, 0);
  EXPECT_TRUE(std::isinf(ratio.high));
}

TEST(RatioInterval, NeverClaimsMoreThanTheClockCanTell) {
  const std::vector<PairedSample> samples(100, {1000, 1000});
  const Interval ratio = RatioInterval(samples, 0.995);
  EXPECT_LT(ratio.low, 0.9995);
  EXPECT_GT(ratio.high, 1.0005);
}

TEST(RatioInterval, CancelsALinearDriftOfTheMachine) {
  std::vector<PairedSample> samples;
  double now = 1.0;
  const auto call = [&](double ns) { return ns * (now += 0.004); };
  for (int i = 0; i < 30; ++i) {
    const double a1 = call(1000), b1 = call(1000), b2 = call(1000), a2 = call(1000);
    samples.push_back({a1, b1});
    samples.push_back({a2, b2});
  }
  const Interval ratio = RatioInterval(samples, 0.995);
  EXPECT_NEAR(ratio.mid, 1.0, 0.004);
  EXPECT_FALSE(IsSignificantGain(ratio, 0.0));
}

TEST(PairedStopping, CallsNoneOfAThousandEqualKernelsFaster) {
  int gains = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    gains += IsSignificantGain(CompareOn(seed, kMs, kMs).interval, 0.01);
  }
  EXPECT_EQ(gains, 0);
}

TEST(PairedStopping, FindsAThreePercentGainNineTimesInTen) {
  int found = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    found += IsSignificantGain(CompareOn(seed, 1.03 * kMs, kMs).interval, 0.01);
  }
  EXPECT_GE(found, 180);
}

TEST(PairedStopping, DropsAClearLossAfterFourPairsOnAQuietMachine) {
  NoisyMachine machine(1, 0.005);
  Rng rng(1);
  const Comparison loss = Compare([&] {
    return PairedSample{kMs * (1 + 0.01 * rng.Uniform()), 1.3 * kMs * (1 + 0.01 * rng.Uniform())};
  });
  EXPECT_EQ(loss.reason, StopReason::kClearLoss);
  EXPECT_EQ(loss.pairs, 4u);
}

TEST(PairedStopping, DropsMostLosersEarlyOnANoisyMachine) {
  double pairs = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Comparison loss = CompareOn(seed, kMs, 1.5 * kMs);
    EXPECT_EQ(loss.reason, StopReason::kClearLoss);
    pairs += static_cast<double>(loss.pairs) / 200;
  }
  EXPECT_LT(pairs, 9);
}

TEST(PairedStopping, EndsAHugeGainOverASlowReferenceAfterAHandfulOfPairs) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Comparison gain = CompareOn(seed, 300 * kMs, 6 * kMs);
    EXPECT_LE(gain.pairs, 6u);
    EXPECT_TRUE(IsSignificantGain(gain.interval, 0.01));
    EXPECT_GT(gain.interval.low, 10);
  }
}

TEST(PairedStopping, EndsALargeGainBeforeTheBudgetOnceItIsTightForItsSize) {
  const Comparison gain = CompareOn(4, 2 * kMs, kMs);
  EXPECT_EQ(gain.reason, StopReason::kClearGain);
  EXPECT_LE(gain.pairs, 48u);
  EXPECT_LE(RelativeHalfWidth(gain.interval), 0.10);
  EXPECT_LT(gain.interval.low, 2.0);
  EXPECT_GT(gain.interval.high, 2.0);
}

TEST(PairedStopping, StopsAtTheBudgetAndAtTheMostPairs) {
  StoppingRule rule;
  rule.extension = 1;
  NoisyMachine slow_machine(1);
  const Comparison slow = Compare([&] { return slow_machine.Pair(40 * kMs, 39.2 * kMs); }, rule);
  EXPECT_EQ(slow.reason, StopReason::kBudget);
  EXPECT_LT(slow.spent_ns, 1.2e9);
  rule.max_pairs = 30;
  NoisyMachine machine(2, 0.1);
  const Comparison short_one =
      Compare([&] { return machine.Pair(0.0515 * kMs, 0.05 * kMs); }, rule);
  EXPECT_EQ(short_one.reason, StopReason::kMaxPairs);
  EXPECT_EQ(short_one.pairs, 30u);
}

TEST(PairedStopping, ExtendsTheBudgetOnlyForALikelyGain) {
  int extended_gains = 0, extended_equals = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    NoisyMachine machine(seed, 0.08), other(seed, 0.08);
    const Comparison gain = Compare([&] { return machine.Pair(20.8 * kMs, 20 * kMs); });
    const Comparison equal = Compare([&] { return other.Pair(20 * kMs, 20 * kMs); });
    extended_gains += gain.spent_ns > 1.1e9;
    extended_equals += equal.spent_ns > 1.1e9;
    EXPECT_LT(gain.spent_ns, 3.2e9);
  }
  EXPECT_GT(extended_gains, 10);
  EXPECT_LT(extended_equals, extended_gains);
}

TEST(PairedStopping, AnswersEvenWhenOneCallTakesLongerThanTheBudget) {
  const Comparison gain = CompareOn(1, 3000 * kMs, 100 * kMs);
  EXPECT_EQ(gain.pairs, 3u);
  EXPECT_GT(gain.interval.low, 1.01);
}

}  // namespace
}  // namespace ks
