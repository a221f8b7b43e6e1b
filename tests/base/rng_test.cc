#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace ks {
namespace {

// Recorded runs replay only as long as these numbers stay.
TEST(Rng, TheSequenceOfASeedNeverChanges) {
  Rng zero(0);
  EXPECT_EQ(zero.Next(), 0x99ec5f36cb75f2b4u);  // xoshiro256** after SplitMix64(0), as published
  EXPECT_EQ(zero.Next(), 0xbf6e1f784956452au);
  EXPECT_EQ(zero.Next(), 0x1a5f849d4933e6e0u);
  Rng rng(42);
  for (int i = 0; i < 1000; ++i) rng.Next();
  EXPECT_EQ(rng.Next(), 1103426724799410610u);
  EXPECT_EQ(rng.Below(1000), 918u);
  EXPECT_EQ(rng.Uniform(), 0x1.677403e5f85e5p-1);
}

TEST(DeriveSeed, TheSeedOfAStepNeverChanges) {
  EXPECT_EQ(DeriveSeed(1, "select", 0), 17746068061569343840u);
  EXPECT_EQ(DeriveSeed(1, "select", 1), 3864613334509524762u);
  EXPECT_EQ(DeriveSeed(2, "propose", 7), 10107277261678320439u);
}

TEST(DeriveSeed, SeedsOfRunsStepsAndIndicesAreAllDifferent) {
  std::set<uint64_t> seeds;
  size_t count = 0;
  for (uint64_t run = 0; run < 20; ++run) {
    for (const char* step : {"select", "propose", "evaluate"}) {
      for (uint64_t index = 0; index < 50; ++index, ++count) {
        seeds.insert(DeriveSeed(run, step, index));
      }
    }
  }
  EXPECT_EQ(seeds.size(), count);
}

TEST(Rng, BelowIsUniformAlsoWhenItDoesNotDivideTheRange) {
  Rng rng(1);
  std::vector<int> counts(6);
  constexpr int kDraws = 60'000;
  for (int i = 0; i < kDraws; ++i) ++counts.at(rng.Below(6));
  double chi_squared = 0;
  for (const int count : counts) {
    chi_squared += (count - kDraws / 6.0) * (count - kDraws / 6.0) / (kDraws / 6.0);
  }
  EXPECT_LT(chi_squared, 20.5);  // 5 degrees of freedom, p = 0.001; the seed is fixed
  EXPECT_EQ(rng.Below(1), 0u);
  EXPECT_LT(rng.Below(UINT64_MAX), UINT64_MAX);
}

TEST(Rng, UniformStaysBelowOneAndFillsTheInterval) {
  Rng rng(2);
  double sum = 0;
  double low = 1;
  double high = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = rng.Uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
  EXPECT_LT(low, 0.01);
  EXPECT_GT(high, 0.99);
}

TEST(Rng, NormalHasMeanZeroAndVarianceOneAndIsFinite) {
  Rng rng(3);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double x = rng.Normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20'000, 0, 0.03);
  EXPECT_NEAR(squares / 20'000, 1, 0.05);
}

TEST(Rng, ChanceZeroNeverAndChanceOneAlwaysHappens) {
  Rng rng(4);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(rng.Chance(0));
    EXPECT_TRUE(rng.Chance(1));
  }
}

TEST(SecretSeed, IsNotTheSameTwice) { EXPECT_NE(SecretSeed(), SecretSeed()); }

}  // namespace
}  // namespace ks
