#include "core/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace ks {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const Tolerance kTolerance = {1e-5, 1e-9, 1.0, 1e-5};

std::optional<Mismatch> Compare(const std::vector<float>& got, const std::vector<double>& want,
                                const Tolerance& tolerance = kTolerance) {
  return CompareOutput(DType::kF32, std::as_bytes(std::span(got)), std::as_bytes(std::span(want)),
                       tolerance);
}

std::vector<double> Ramp(size_t count) {
  std::vector<double> want(count);
  for (size_t i = 0; i < count; ++i) want[i] = 1e-4 * (1 + std::sin(static_cast<double>(i)));
  return want;
}
std::vector<float> Rounded(const std::vector<double>& want) { return {want.begin(), want.end()}; }

TEST(CompareOutput, AcceptsTheOracleRoundedToTheElementType) {
  for (const size_t count : {0u, 1u, 7u, 8u, 9u, 1000u}) {
    EXPECT_FALSE(Compare(Rounded(Ramp(count)), Ramp(count)).has_value()) << count;
  }
}

TEST(CompareOutput, RefusesZerosEvenWhereTheWantedValuesAreTiny) {
  const auto found = Compare(std::vector<float>(100), Ramp(100));
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->norm_error, 1.0, 1e-6);
}

TEST(CompareOutput, ReportsTheFirstWrongElementOfSeveral) {
  const auto want = Ramp(50);
  auto got = Rounded(want);
  got[13] += 1.0f;
  got[20] -= 2.0f;
  const auto found = Compare(got, want);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->first_index, 13);
  EXPECT_EQ(found->mismatches, 2);
  EXPECT_EQ(found->elements, 50);
  EXPECT_NEAR(found->max_error, 2.0, 1e-3);
  EXPECT_FLOAT_EQ(static_cast<float>(found->got), got[13]);
  EXPECT_EQ(found->want, want[13]);
  EXPECT_GT(found->allowed, 1e-9);
  EXPECT_LT(found->allowed, 4e-9);
}

TEST(CompareOutput, FindsAWrongElementInTheTailOfAnOddCount) {
  auto got = Rounded(Ramp(17));
  got[16] = 3.0f;
  ASSERT_TRUE(Compare(got, Ramp(17)).has_value());
  EXPECT_EQ(Compare(got, Ramp(17))->first_index, 16);
}

TEST(CompareOutput, AllowsCancellationUpToTheScaleOfTheOutput) {
  EXPECT_FALSE(Compare({1.0f, 1.0f, 5e-6f}, {1.0, 1.0, 0.0}).has_value());
  EXPECT_TRUE(Compare({1.0f, 1.0f, 5e-5f}, {1.0, 1.0, 0.0}).has_value());
}

TEST(CompareOutput, RefusesManySmallErrorsByTheNorm) {
  std::vector<double> want(1000, 1.0);
  std::vector<float> got(1000, 1.0f + 8e-6f);
  EXPECT_FALSE(Compare(got, want).has_value());
  const auto found = Compare(got, want, {1e-5, 1e-9, 1.0, 2e-6});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->first_index, -1);
  EXPECT_EQ(found->mismatches, 0);
  EXPECT_NEAR(found->norm_error, 8e-6, 1e-6);
}

TEST(CompareOutput, RefusesNanAndInfinityAnywhere) {
  for (const size_t at : {0u, 5u, 16u}) {
    for (const double value : {kNan, kInfinity, -kInfinity}) {
      auto got = Rounded(Ramp(17));
      got[at] = static_cast<float>(value);
      const auto found = Compare(got, Ramp(17));
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->first_index, static_cast<int64_t>(at));
      EXPECT_EQ(found->max_error, kInfinity);
      EXPECT_EQ(found->has_nan, std::isnan(value));
    }
  }
}

TEST(CompareOutput, AcceptsOnlyTheSameInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(Compare({infinity, 1.0f}, {kInfinity, 1.0}).has_value());
  EXPECT_TRUE(Compare({-infinity, 1.0f}, {kInfinity, 1.0}).has_value());
  EXPECT_TRUE(Compare({1e30f, 1.0f}, {kInfinity, 1.0}).has_value());
  EXPECT_TRUE(Compare({infinity, 2.0f}, {kInfinity, 1.0}).has_value());
  EXPECT_TRUE(Compare({std::nanf(""), 1.0f}, {kNan, 1.0}).has_value());
}

TEST(CompareOutput, WantsIntegersExactly) {
  const std::vector<int32_t> want = {1, 2, 3};
  const std::vector<int32_t> got = {1, 2, 4};
  EXPECT_FALSE(CompareOutput(DType::kI32, std::as_bytes(std::span(want)),
                             std::as_bytes(std::span(want)), kTolerance)
                   .has_value());
  const auto found = CompareOutput(DType::kI32, std::as_bytes(std::span(got)),
                                   std::as_bytes(std::span(want)), kTolerance);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->first_index, 2);
  EXPECT_EQ(found->got, 4);
  EXPECT_EQ(found->mismatches, 1);
}

}  // namespace
}  // namespace ks
