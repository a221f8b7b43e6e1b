// Kernels between honest and wrong: what the library's tolerances must accept and refuse.
#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "task/library.h"
#include "tests/task/native_gate_runner.h"

namespace ks {
namespace {

// exp by a degree-5 polynomial, relative error about 2e-6, as a vectorising author would write it.
constexpr const char* kFastExp = R"(
#include <cstdint>
#include <cstring>
static inline float FastExp(float x) {
  const float scaled = (x < -87.0f ? -87.0f : x) * 1.44269504f;
  const float whole = static_cast<float>(static_cast<int32_t>(scaled < 0 ? scaled - 0.5f : scaled + 0.5f));
  const float part = (scaled - whole) * 0.69314718f;
  const float poly = 1.0f + part * (1.0f + part * (0.5f + part * (0.16666667f +
                     part * (0.041666667f + part * 0.0083333333f))));
  const int32_t bits = (static_cast<int32_t>(whole) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return poly * power;
}
)";

// Drops all but 10 explicit mantissa bits, as tf32 units do.
constexpr const char* kToTf32 = R"(
#include <cstdint>
#include <cstring>
static inline float Tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  bits = (bits + 0x1000u) & 0xffffe000u;
  std::memcpy(&x, &bits, 4);
  return x;
}
)";

// The gate's refusal with `from` replaced by `to` in the seed of `name`, on time and check
// workloads.
std::string Refusal(const std::string& name, const std::string& prelude, const std::string& from,
                    const std::string& to) {
  const auto loaded = TaskLibrary().Load(name);
  EXPECT_TRUE(loaded.ok());
  Task task = ForDeviceClass(*loaded, "cpu");
  std::erase_if(task.workloads, [](const Workload& w) { return w.role == WorkloadRole::kHeldOut; });
  const std::string& seed = task.FindSeed("cpu")->source;
  const std::string kernel = prelude + ReplaceAll(seed, from, to);
  EXPECT_NE(kernel, prelude + seed) << "nothing was replaced: " << from;
  const auto runner = NativeGateRunner::Create(task, "-O3", kernel);
  if (!runner) return runner.error().message;
  const auto report = RunGate(task, **runner, 11);
  return report ? report->Refusal() : report.error().message;
}

TEST(Tolerances, AcceptAFastExponential) {
  for (const char* name : {"softmax", "log_softmax", "cross_entropy", "attention"}) {
    EXPECT_EQ(Refusal(name, kFastExp, "std::exp", "FastExp"), "") << name;
  }
}

TEST(Tolerances, AcceptATanhMadeOfAFastExponential) {
  EXPECT_EQ(Refusal("gelu", kFastExp, "std::tanh(inner)",
                    "(1.0f - 2.0f / (FastExp(2.0f * (inner > 40.0f ? 40.0f : inner)) + 1.0f))"),
            "");
}

TEST(Tolerances, RefuseReducedPrecisionOperands) {
  const auto refused = [](const std::string& refusal) {
    return refusal.find("seed_kernel: ") == 0;
  };
  EXPECT_TRUE(refused(Refusal("matmul", kToTf32, "a[i * k + p] * b[p * n + j]",
                              "Tf32(a[i * k + p]) * Tf32(b[p * n + j])")));
  EXPECT_TRUE(refused(Refusal("softmax", kToTf32, "/ sum", "/ Tf32(sum)")));
  EXPECT_TRUE(refused(Refusal("matvec", kToTf32, "* x[j]", "* Tf32(x[j])")));
}

TEST(Tolerances, OfATf32TaskAcceptItsPrecisionAndRefuseACoarserOne) {
  const std::string product = "a[i * k + p] * b[p * n + j]";
  EXPECT_EQ(Refusal("matmul_tf32", kToTf32, product, "Tf32(a[i * k + p]) * Tf32(b[p * n + j])"),
            "");
  const std::string coarse =
      ReplaceAll(ReplaceAll(kToTf32, "0x1000u", "0x8000u"), "0xffffe000u", "0xffff0000u");
  EXPECT_EQ(Refusal("matmul_tf32", coarse, product, "Tf32(a[i * k + p]) * Tf32(b[p * n + j])")
                .find("seed_kernel: "),
            0u);
}

TEST(Tolerances, OfABf16TaskRefuseOperandsOfFourBits) {
  // Keeps 4 significant bits of an operand, as fp8 (e4m3) does.
  const char* prelude = R"(
#include <cmath>
static inline float Fp8(float x) {
  int exponent;
  const float significand = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(significand * 16.0f), exponent - 4);
}
)";
  EXPECT_EQ(Refusal("matmul_bf16", prelude, "ToFloat(a[i * k + p]) * ToFloat(b[p * n + j])",
                    "Fp8(ToFloat(a[i * k + p])) * Fp8(ToFloat(b[p * n + j]))")
                .find("seed_kernel: "),
            0u);
}

TEST(Tolerances, RefuseDroppedTerms) {
  const auto refused = [](const std::string& refusal) {
    return refusal.find("seed_kernel: ") == 0;
  };
  EXPECT_TRUE(refused(Refusal("matmul", "", "p < k;", "p < k - k / 200;")));
  EXPECT_TRUE(refused(Refusal("sum_middle", "", "j < middle;", "j < middle - middle / 200;")));
  EXPECT_TRUE(refused(Refusal("gelu", "", "0.044715f * cube", "0.045f * cube")));
  EXPECT_TRUE(refused(Refusal("layer_norm", "", " + epsilon", "")));
}

}  // namespace
}  // namespace ks
