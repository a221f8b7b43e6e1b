// The inline elementary functions of vectorised candidates against the C library in double.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "propose/vector/prelude.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

struct Case {
  const char* wide;   // function of the prelude
  const char* exact;  // the same in double
  double low, high;   // range swept
  double ulps;        // allowed, in units of the last place of the exact value as a float
  double absolute;    // allowed besides
};

std::string Digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12e", value);
  return text;
}

// A kernel that writes 1 everywhere, or the first argument where the function is off.
std::string Checker(const Case& c, const std::string& flags) {
  const std::string call = std::string(c.wide) + "(Load(Shape<1, true>{}, in, SplatInt<1>(-1)))";
  return "// ksmith: compiler g++\n// ksmith: flags -O2 -march=x86-64-v2 " + flags +
         "\n#include <cmath>\n#include <cstdint>\n" + PreludeFor("", call, 4) +
         "extern \"C\" void f(const float* x, float* y, int64_t n) {\n  using namespace wide;\n"
         "  float bad = 1.0f;\n  for (int k = 0; k < 400000; k += kLanes) {\n"
         "    float in[kLanes], out[kLanes];\n    for (int l = 0; l < kLanes; ++l)\n      in[l] "
         "= " +
         Digits(c.low) + " + (" + Digits(c.high) + " - (" + Digits(c.low) +
         ")) * static_cast<double>(k + l) / 400000;\n"
         "    Store(Shape<1, true>{}, out, " +
         call +
         ", SplatInt<1>(-1));\n    for (int l = 0; l < kLanes; ++l) {\n"
         "      const double v = in[l], want = " +
         c.exact +
         ";\n      int e = 0;\n      std::frexp(want, &e);\n"
         "      const double ulp = std::ldexp(1.0, e - 24);\n"
         "      if (std::fabs(out[l] - want) > " +
         Digits(c.ulps) + " * ulp + " + Digits(c.absolute) +
         ") bad = in[l] == 1.0f ? 2.0f : in[l];\n    }\n  }\n"
         "  for (int64_t i = 0; i < n; ++i) y[i] = bad + 0.0f * x[i];\n}\n";
}

constexpr Case kCases[] = {
    {"Exp", "std::exp(v)", -86.9, 88.7, 2, 0},     {"Exp", "std::exp(v)", -1, 1, 2, 0},
    {"Log", "std::log(v)", 0.0001, 3, 2, 0},       {"Log", "std::log(v)", 1, 100000000, 2, 0},
    {"Tanh", "std::tanh(v)", -12, 12, 6, 0},       {"Tanh", "std::tanh(v)", -0.01, 0.01, 6, 0},
    {"Erf", "std::erf(v)", -6, 6, 8, 0},           {"Log1p", "std::log1p(v)", -0.9, 3, 4, 0},
    {"Expm1", "std::expm1(v)", -5, 5, 6, 0},       {"Sqrt", "std::sqrt(v)", 0.001, 1000, 3, 0},
    {"Exp2", "std::exp2(v)", -125, 127.9, 3, 0},   {"Log2", "std::log2(v)", 0.0001, 3, 4, 0},
    {"Log2", "std::log2(v)", 1, 1000000, 4, 0},    {"Sin", "std::sin(v)", -4, 4, 3, 6e-8},
    {"Sin", "std::sin(v)", -7990, 7990, 4, 2e-7},  {"Sin", "std::sin(v)", 7000, 100000, 4, 3e-7},
    {"Cos", "std::cos(v)", -4, 4, 3, 6e-8},        {"Cos", "std::cos(v)", -7990, 7990, 4, 2e-7},
    {"Floor", "std::floor(v)", -1000, 1000, 0, 0}, {"Ceil", "std::ceil(v)", -1000, 1000, 0, 0},
    {"Floor", "std::floor(v)", -2e7, 2e7, 0, 0},   {"Erfc", "std::erfc(v)", -4, 1, 64, 0},
    {"Erfc", "std::erfc(v)", 0.9, 9, 100, 0},
};

TEST(VectorMath, StaysWithinItsErrorBounds) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string ones =
      "#include <cstdint>\nextern \"C\" void f(const float* x, float* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = 1.0f;\n}\n";
  for (const Case& c : kCases) {
    for (const char* flags : {"", "-ffast-math"}) {
      EXPECT_EQ(DifferenceOf(task, ones, Checker(c, flags), {{{"n", 3}}}, 1e-7), "")
          << c.wide << " on [" << c.low << ", " << c.high << "] " << flags;
    }
  }
}

// With fused operations and an approximate division, too: x * (1 + tanh(x)) multiplies what is
// missing by x.
TEST(VectorMath, TanhAndErfAreOneWhereTheyAreInFloat) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string ones =
      "#include <cstdint>\nextern \"C\" void f(const float* x, float* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = 1.0f;\n}\n";
  std::vector<std::string> machines = {"-march=x86-64-v2"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    machines.emplace_back("-march=x86-64-v3");
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    machines.emplace_back("-mavx512f -mavx512vl -mfma");
  }
  for (const std::string& machine : machines) {
    const std::string checks =
        "// ksmith: compiler g++\n// ksmith: flags -O3 -ffast-math " + machine +
        "\n#include <cmath>\n#include <cstdint>\n" + PreludeFor("", "Tanh(Erf(", 4) +
        "extern \"C\" void f(const float* x, float* y, int64_t n) {\n  using namespace wide;\n"
        "  bool ok = true;\n"
        "  const volatile float values[] = {9.1f, 9.7f, 20.0f, 300.0f, 1e20f};\n"
        "  for (const float v : values) {\n"
        "    ok = ok && Tanh(Splat<1>(v)).v[0][0] == 1.0f;\n"
        "    ok = ok && Tanh(Splat<1>(-v)).v[0][0] == -1.0f;\n"
        "    ok = ok && Erf(Splat<1>(v)).v[0][0] == 1.0f;\n"
        "    ok = ok && Erf(Splat<1>(-v)).v[0][0] == -1.0f;\n  }\n"
        "  for (int64_t i = 0; i < n; ++i) y[i] = (ok ? 1.0f : 0.0f) + 0.0f * x[i];\n}\n";
    EXPECT_EQ(DifferenceOf(task, ones, checks, {{{"n", 2}}}, 1e-7), "") << machine;
  }
}

TEST(VectorMath, GivesLimitsAtExtremeArguments) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string ones =
      "#include <cstdint>\nextern \"C\" void f(const float* x, float* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = 1.0f;\n}\n";
  const std::string code = "Exp(Log(Tanh(Erf(Erfc(Exp2(Pow(Sin(Floor(Log1p(Expm1(Log2(";
  const std::string checks =
      "// ksmith: compiler g++\n// ksmith: flags -O2 -march=x86-64-v2\n#include <cmath>\n"
      "#include <cstdint>\n" +
      PreludeFor("", code, 4) +
      "extern \"C\" void f(const float* x, float* y, int64_t n) {\n  using namespace wide;\n"
      "  const auto at = [](auto v) { return v.v[0][0]; };\n"
      "  const float big = INFINITY, nan = NAN;\n  bool ok = true;\n"
      "  ok = ok && at(Exp(Splat<1>(100.0f))) == big && at(Exp(Splat<1>(big))) == big;\n"
      "  ok = ok && at(Exp(Splat<1>(-200.0f))) == 0.0f && at(Exp(Splat<1>(-big))) == 0.0f;\n"
      "  ok = ok && std::isnan(at(Exp(Splat<1>(nan)))) && at(Exp(Splat<1>(0.0f))) == 1.0f;\n"
      "  ok = ok && at(Log(Splat<1>(0.0f))) == -big && std::isnan(at(Log(Splat<1>(-1.0f))));\n"
      "  ok = ok && at(Log(Splat<1>(big))) == big && std::isnan(at(Log(Splat<1>(nan))));\n"
      "  ok = ok && std::fabs(at(Log(Splat<1>(1e-40f))) + 92.1034f) < 1e-4f;\n"
      "  ok = ok && std::fabs(at(Tanh(Splat<1>(big))) - 1.0f) < 1e-6f;\n"
      "  ok = ok && std::fabs(at(Erf(Splat<1>(-big))) + 1.0f) < 1e-6f;\n"
      "  ok = ok && std::isnan(at(Tanh(Splat<1>(nan))));\n"
      "  ok = ok && at(Erfc(Splat<1>(big))) == 0.0f && at(Erfc(Splat<1>(-big))) == 2.0f;\n"
      "  ok = ok && at(Exp2(Splat<1>(-10.0f))) == 0.0009765625f;\n"
      "  ok = ok && at(Exp2(Splat<1>(200.0f))) == big && at(Exp2(Splat<1>(-200.0f))) == 0.0f;\n"
      "  ok = ok && at(Pow(Splat<1>(0.0f), Splat<1>(2.2f))) == 0.0f;\n"
      "  ok = ok && std::fabs(at(Pow(Splat<1>(3.0f), Splat<1>(2.2f))) - 11.211578f) < 2e-5f;\n"
      "  ok = ok && std::isnan(at(Sin(Splat<1>(big)))) && std::isnan(at(Cos(Splat<1>(nan))));\n"
      "  ok = ok && at(Log1p(Splat<1>(big))) == big && at(Log1p(Splat<1>(-1.0f))) == -big;\n"
      "  ok = ok && std::isnan(at(Log1p(Splat<1>(-2.0f)))) && "
      "std::isnan(at(Log1p(Splat<1>(-big))));\n"
      "  ok = ok && std::isnan(at(Log1p(Splat<1>(nan)))) && "
      "std::isnan(at(Log1p(Splat<1>(-nan))));\n"
      "  ok = ok && at(Log1p(Splat<1>(3e38f))) == std::log1p(3e38f);\n"
      "  ok = ok && std::signbit(at(Log1p(Splat<1>(-0.0f))));\n"
      "  ok = ok && at(Expm1(Splat<1>(big))) == big && at(Expm1(Splat<1>(-big))) == -1.0f;\n"
      "  ok = ok && std::isnan(at(Expm1(Splat<1>(nan)))) && at(Expm1(Splat<1>(1e-30f))) == "
      "1e-30f;\n"
      "  ok = ok && at(Log2(Splat<1>(0.0f))) == -big && at(Log2(Splat<1>(big))) == big;\n"
      "  ok = ok && at(Floor(Splat<1>(-big))) == -big && at(Ceil(Splat<1>(1e30f))) == 1e30f;\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = (ok ? 1.0f : 0.0f) + 0.0f * x[i];\n}\n";
  EXPECT_EQ(DifferenceOf(task, ones, checks, {{{"n", 2}}}, 1e-7), "");
}

}  // namespace
}  // namespace ks
