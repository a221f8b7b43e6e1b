#include "core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "core/compare.h"
#include "core/elements.h"
#include "core/fill.h"

namespace ks {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T>
double Through(double value) {
  return static_cast<double>(T(value));
}

// The value of `bits` by the definition of the format.
double Defined(uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits & 0x7fff) >> fraction_bits;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 2 * bias + 1) return fraction == 0 ? sign * kInfinity : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

template <typename T>
void ExpectEveryPatternMeansWhatTheFormatSays(int exponent_bits) {
  for (int pattern = 0; pattern < 65536; ++pattern) {
    const auto bits = static_cast<uint16_t>(pattern);
    const double want = Defined(bits, exponent_bits);
    const auto got = static_cast<double>(T::FromBits(bits));
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(got)) << pattern;
      ASSERT_TRUE(std::isnan(Through<T>(got))) << pattern;
      continue;
    }
    ASSERT_EQ(got, want) << pattern;
    ASSERT_EQ(std::signbit(got), std::signbit(want)) << pattern;
    ASSERT_EQ(T(got).bits(), bits) << "there and back";
  }
}

TEST(Half, GivesEveryPatternItsValueAndBack) { ExpectEveryPatternMeansWhatTheFormatSays<Half>(5); }
TEST(BFloat16, GivesEveryPatternItsValueAndBack) {
  ExpectEveryPatternMeansWhatTheFormatSays<BFloat16>(8);
}

// Between two neighbours the nearer one wins, and the even one in the middle.
template <typename T>
void ExpectRoundsToNearestEven() {
  const uint16_t largest = static_cast<uint16_t>(T(kInfinity).bits() - 1);
  Rng rng(7);
  for (int trial = 0; trial < 100000; ++trial) {
    const auto low = static_cast<uint16_t>(rng.Below(largest));
    const auto high = static_cast<uint16_t>(low + 1);
    const auto a = static_cast<double>(T::FromBits(low));
    const auto b = static_cast<double>(T::FromBits(high));
    const double middle = a + (b - a) / 2;
    ASSERT_EQ(T(middle).bits(), low % 2 == 0 ? low : high);
    ASSERT_EQ(T(std::nextafter(middle, 0)).bits(), low);
    ASSERT_EQ(T(std::nextafter(middle, kInfinity)).bits(), high);
    ASSERT_EQ(T(-middle).bits(), 0x8000 | T(middle).bits());
  }
}

TEST(Half, RoundsOnceToNearestEven) { ExpectRoundsToNearestEven<Half>(); }
TEST(BFloat16, RoundsOnceToNearestEven) { ExpectRoundsToNearestEven<BFloat16>(); }

TEST(Half, OverflowsToInfinityAndUnderflowsToZero) {
  EXPECT_EQ(Through<Half>(65519.99), 65504);
  EXPECT_EQ(Through<Half>(65520), kInfinity);
  EXPECT_EQ(Through<Half>(-1e300), -kInfinity);
  EXPECT_EQ(Half(0x1p-25).bits(), 0);
  EXPECT_EQ(Half(0x1.0001p-25).bits(), 1);
  EXPECT_EQ(Half(-1e-300).bits(), 0x8000);
}

TEST(BFloat16, HasTheRangeOfFloat) {
  EXPECT_EQ(BFloat16(1.0).bits(), 0x3f80);
  EXPECT_TRUE(std::isfinite(Through<BFloat16>(3e38)));
  EXPECT_EQ(Through<BFloat16>(3.4e38), kInfinity);
}

TEST(Elements, PoisonIsANanInEveryFloatTypeAndVaries) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
    for (const uint64_t noise : {uint64_t{0}, ~uint64_t{0}}) {
      const uint64_t pattern = PoisonPattern(dtype, noise);
      EXPECT_TRUE(std::isnan(ElementAt(dtype, std::as_bytes(std::span(&pattern, 1)), 0)));
    }
    EXPECT_NE(PoisonPattern(dtype, 0), PoisonPattern(dtype, 1));
  }
}

TEST(Elements, WidenEveryFloatTypeAndLeaveIntegers) {
  const std::vector<Half> halves = {Half(1.5), Half(-0.25)};
  std::vector<double> wide(2);
  WidenElements(DType::kF16, std::as_bytes(std::span(halves)),
                std::as_writable_bytes(std::span(wide)));
  EXPECT_EQ(wide, (std::vector<double>{1.5, -0.25}));
  const std::vector<int32_t> whole = {7, -9};
  std::vector<int32_t> same(2);
  WidenElements(DType::kI32, std::as_bytes(std::span(whole)),
                std::as_writable_bytes(std::span(same)));
  EXPECT_EQ(same, whole);
}

TEST(CompareOutput, JudgesHalvesAgainstTheOraclesDoubles) {
  const Tolerance tolerance = {1e-3, 1e-9, 1.0, 1e-3};
  const std::vector<double> want = {1.0 / 3, -2.0, 0.5};
  std::vector<Half> got = {Half(want[0]), Half(want[1]), Half(want[2])};
  const auto compare = [&] {
    return CompareOutput(DType::kF16, std::as_bytes(std::span(got)), std::as_bytes(std::span(want)),
                         tolerance);
  };
  EXPECT_FALSE(compare().has_value());
  got[1] = Half(-1.9);
  ASSERT_TRUE(compare().has_value());
  EXPECT_EQ(compare()->first_index, 1);
  got[1] = Half(kInfinity);
  EXPECT_EQ(compare()->max_error, kInfinity);
}

Task OneInput(DType dtype, std::map<std::string, std::string> parameters) {
  Task task;
  BufferSpec input;
  input.name = "x";
  input.dtype = dtype;
  input.shape = {"n"};
  input.fill = {"normal", std::move(parameters)};
  task.inputs = {input};
  return task;
}

std::vector<double> Contents(const Task& task, int variant) {
  const auto drawn = FillInputs(task, {"w", {{"n", 1000}}, WorkloadRole::kCheck}, 3, variant);
  EXPECT_TRUE(drawn.ok()) << (drawn.ok() ? "" : drawn.error().message);
  std::vector<double> values(1000);
  for (size_t i = 0; drawn.ok() && i < values.size(); ++i) {
    values[i] = ElementAt(task.inputs[0].dtype, (*drawn)[0], static_cast<int64_t>(i));
  }
  return values;
}

TEST(Fill, DrawsHalvesAsTheFloatsRounded) {
  for (int variant = 0; variant < 5; ++variant) {
    const std::vector<double> floats = Contents(OneInput(DType::kF32, {}), variant);
    const std::vector<double> halves = Contents(OneInput(DType::kF16, {}), variant);
    const std::vector<double> brains = Contents(OneInput(DType::kBF16, {}), variant);
    for (size_t i = 0; i < floats.size(); ++i) {
      EXPECT_EQ(halves[i], Through<Half>(floats[i]));
      EXPECT_EQ(brains[i], Through<BFloat16>(floats[i]));
    }
  }
}

TEST(Fill, RoundsToTheBitsAskedForInEveryVariant) {
  for (int variant = 0; variant < 5; ++variant) {
    const std::vector<double> whole = Contents(OneInput(DType::kF32, {}), variant);
    const std::vector<double> rounded = Contents(OneInput(DType::kF32, {{"bits", "11"}}), variant);
    for (size_t i = 0; i < whole.size(); ++i) {
      int exponent = 0;
      const double significand = std::ldexp(std::frexp(rounded[i], &exponent), 11);
      EXPECT_EQ(significand, std::nearbyint(significand));
      EXPECT_LE(std::abs(rounded[i] - whole[i]), std::abs(whole[i]) * 0x1p-11);
    }
  }
}

TEST(PerturbInputs, KeepsTheBitsAskedFor) {
  const Task task = OneInput(DType::kF32, {{"bits", "8"}});
  const Workload workload{"w", {{"n", 1000}}, WorkloadRole::kTime};
  auto inputs = FillInputs(task, workload, 3, 0);
  ASSERT_TRUE(inputs.ok());
  const Bytes before = (*inputs)[0];
  const std::vector<std::span<std::byte>> views = {(*inputs)[0]};
  ASSERT_TRUE(PerturbInputs(task, workload, 9, 0.25, views).ok());
  EXPECT_NE((*inputs)[0], before);
  for (int64_t i = 0; i < 1000; ++i) {
    const double value = ElementAt(DType::kF32, (*inputs)[0], i);
    EXPECT_EQ(value, Through<BFloat16>(value));
  }
}

TEST(Fill, RefusesBitsThatMakeNoSense) {
  for (const char* bits : {"0", "54", "2.5"}) {
    const auto drawn = FillInputs(OneInput(DType::kF32, {{"bits", bits}}),
                                  {"w", {{"n", 4}}, WorkloadRole::kCheck}, 1, 0);
    ASSERT_FALSE(drawn.ok()) << bits;
    EXPECT_NE(drawn.error().message.find("bits must be"), std::string::npos);
  }
}

}  // namespace
}  // namespace ks
