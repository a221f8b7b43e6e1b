#include <gtest/gtest.h>

#include "propose/skills/skills.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

int ExpectKept(const std::unique_ptr<Skill>& skill, const std::string& seed, int limit = 3) {
  const SeedCase seed_case = SeedNamed(seed);
  return ExpectEditsKeepResult(*skill, seed_case.task, seed_case.source, limit);
}

int Count(const std::unique_ptr<Skill>& skill, const Task& task, const std::string& source) {
  return static_cast<int>(EditsOf(*skill, task, source).size());
}

std::string Kernel(const std::string& text) {
  return "#include <cmath>\n#include <cstdint>\n" + text;
}

TEST(ElementwiseVectorize, PutsChainsWithElementaryFunctionsIntoLanes) {
  EXPECT_GT(ExpectKept(NewElementwiseVectorizeSkill(), "gelu"), 0);
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  for (const char* value :
       {"v / (1.0f + std::exp(-v))", "std::log1p(std::exp(v))", "v > 0.0f ? v : std::expm1(v)",
        "1.0f / std::sqrt(v * v + 1.0f)", "std::erf(v) * v", "std::pow(v, 3.0f) - std::fabs(v)",
        "std::max(v, 0.0f) + std::min(0.25f, v) * static_cast<float>(i)"}) {
    const std::string source = Kernel(
        "extern \"C\" void f(const float* x, float* y, int64_t n) {\n"
        "  for (int64_t i = 0; i < n; ++i) {\n    const float v = x[i];\n    y[i] = " +
        std::string(value) + ";\n  }\n}\n");
    EXPECT_EQ(ExpectEditsKeepResult(*NewElementwiseVectorizeSkill(), task, source), 1) << value;
  }
}

TEST(ElementwiseVectorize, RefusesARecurrence) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, float* y, int64_t n) {\n  y[0] = x[0];\n"
      "  for (int64_t i = 1; i < n; ++i) y[i] = y[i - 1] * 0.5f + x[i];\n}\n");
  EXPECT_EQ(Count(NewElementwiseVectorizeSkill(), task, source), 0);
  EXPECT_EQ(Count(NewVectorReductionSkill(), task, source), 0);
}

TEST(ElementwiseVectorize, LeavesAnUnknownCallAlone) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, float* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = std::tgamma(x[i]);\n}\n");
  EXPECT_EQ(Count(NewElementwiseVectorizeSkill(), task, source), 0);
}

TEST(VectorReduction, CoversRowsAndMiddleAxes) {
  const auto skill = NewVectorReductionSkill();
  for (const char* seed :
       {"softmax", "log_softmax", "layer_norm", "rms_norm", "sum_middle", "argmax", "cross_entropy",
        "matvec", "attention", "spmv", "cumsum", "depthwise_conv"}) {
    EXPECT_GE(ExpectKept(skill, seed, 1), 1) << seed;
  }
}

TEST(VectorReduction, FindsTheFirstOfEqualMaximaInARow) {
  const Task task = TaskOf("f", {"x:i32[rows*cols]<3"}, {"y:i32[rows]"}, {"rows", "cols"});
  const std::string source = Kernel(
      "extern \"C\" void f(const int32_t* x, int32_t* y, int64_t rows, int64_t cols) {\n"
      "  for (int64_t r = 0; r < rows; ++r) {\n"
      "    float best = static_cast<float>(x[r * cols]);\n    int32_t at = 0;\n"
      "    for (int64_t c = 1; c < cols; ++c) {\n"
      "      if (static_cast<float>(x[r * cols + c]) > best) {\n"
      "        best = static_cast<float>(x[r * cols + c]);\n"
      "        at = static_cast<int32_t>(c);\n      }\n    }\n    y[r] = at;\n  }\n}\n");
  EXPECT_EQ(ExpectEditsKeepResult(*NewVectorReductionSkill(), task, source), 1);
}

TEST(VectorReduction, ScansExclusivelyAndWithProducts) {
  const Task task = TaskOf("f", {"x:f32[rows*cols]"}, {"y:f32[rows*cols]"}, {"rows", "cols"});
  for (const char* body : {"y[r * cols + c] = run;\n      run += x[r * cols + c];",
                           "run = std::max(run, x[r * cols + c]);\n      y[r * cols + c] = run;"}) {
    const std::string source = Kernel(
        "#include <algorithm>\nextern \"C\" void f(const float* x, float* y, int64_t rows, "
        "int64_t cols) {\n  for (int64_t r = 0; r < rows; ++r) {\n    float run = 0.0f;\n"
        "    for (int64_t c = 0; c < cols; ++c) {\n      " +
        std::string(body) + "\n    }\n  }\n}\n");
    EXPECT_EQ(ExpectEditsKeepResult(*NewVectorReductionSkill(), task, source), 1) << body;
  }
}

TEST(VectorReduction, TakesAnExtremumOverWholeRowsIncludingTheirHead) {
  const Task task = TaskOf("f", {"x:f32[rows*cols]"}, {"y:f32[rows]"}, {"rows", "cols"});
  const auto source = [](const std::string& first) {
    return Kernel(
        "extern \"C\" void f(const float* x, float* y, int64_t rows, int64_t cols) {\n"
        "  for (int64_t r = 0; r < rows; ++r) {\n    float m = " +
        first +
        ";\n"
        "    for (int64_t c = 1; c < cols; ++c) {\n"
        "      if (x[r * cols + c] > m) m = x[r * cols + c];\n    }\n    y[r] = m;\n  }\n}\n");
  };
  const auto skill = NewVectorReductionSkill();
  EXPECT_EQ(ExpectEditsKeepResult(*skill, task, source("x[r * cols]")), 1);
  EXPECT_EQ(ExpectEditsKeepResult(*skill, task, source("x[0]")), 1);
  const auto swept = [&](const std::string& first) {
    return EditsOf(*skill, task, source(first)).front().source;
  };
  EXPECT_NE(swept("x[r * cols]").find("Sweep<kVectors>(0, cols,"), std::string::npos);
  EXPECT_NE(swept("x[0]").find("Sweep<kVectors>(1, cols,"), std::string::npos);
}

TEST(VectorReduction, RewritesWhatAnEarlierEditSplitIntoLanes) {
  const SeedCase seed = SeedNamed("matvec");
  const auto split = EditsOf(*NewMultipleAccumulatorsSkill(), seed.task, seed.source);
  ASSERT_FALSE(split.empty());
  EXPECT_GE(ExpectEditsKeepResult(*NewVectorReductionSkill(), seed.task, split.front().source, 1),
            1);
}

TEST(VectorReduction, RefusesSumsThatMustKeepTheirOrder) {
  SeedCase seed = SeedNamed("matvec");
  seed.task.allow_reassociation = false;
  EXPECT_EQ(Count(NewVectorReductionSkill(), seed.task, seed.source), 0);
}

TEST(VectorReduction, RefusesARunningValueThatIsTransformed) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, float* y, int64_t n) {\n  float s = 0.0f;\n"
      "  for (int64_t i = 0; i < n; ++i) {\n    s = 0.5f * s + x[i];\n    y[i] = s;\n  }\n}\n");
  EXPECT_EQ(Count(NewVectorReductionSkill(), task, source), 0);
}

TEST(RegisterBlock, BlocksProductsAndConvolutions) {
  const auto skill = NewRegisterBlockSkill();
  for (const char* seed : {"matmul", "batched_matmul", "conv2d", "depthwise_conv", "matvec"}) {
    EXPECT_GT(ExpectKept(skill, seed), 0) << seed;
  }
}

TEST(ContractionMicrokernel, PacksEveryLayout) {
  const auto skill = NewContractionMicrokernelSkill();
  for (const char* seed : {"matmul", "batched_matmul", "conv2d"}) {
    EXPECT_EQ(ExpectKept(skill, seed), 1) << seed;
  }
  const Task task =
      TaskOf("f", {"a:f32[m*k]", "b:f32[k*n]", "bias:f32[n]"}, {"c:f32[m*n]"}, {"m", "n", "k"});
  const std::pair<const char*, const char*> layouts[] = {{"a[p * m + i]", "b[p * n + j]"},
                                                         {"a[i * k + p]", "b[j * k + p]"},
                                                         {"a[p * m + i]", "b[j * k + p]"}};
  for (const auto& [left, right] : layouts) {
    const std::string source = Kernel(
        "extern \"C\" void f(const float* a, const float* b, const float* bias, float* c,\n"
        "                  int64_t m, int64_t n, int64_t k) {\n"
        "  for (int64_t i = 0; i < m; ++i) {\n    for (int64_t j = 0; j < n; ++j) {\n"
        "      float acc = bias[j];\n      for (int64_t p = 0; p < k; ++p) acc += " +
        std::string(left) + " * " + right +
        ";\n      const float v = acc * 0.5f;\n      c[i * n + j] = v > 0.0f ? v : 0.0f;\n"
        "    }\n  }\n}\n");
    EXPECT_EQ(ExpectEditsKeepResult(*skill, task, source), 1) << left << " " << right;
  }
}

TEST(ContractionMicrokernel, AddsToTheOutputInPlace) {
  const Task task = TaskOf("f", {"a:f32[m*k]", "b:f32[k*n]"}, {"c:f32[m*n]"}, {"m", "n", "k"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* a, const float* b, float* c, int64_t m, int64_t n,\n"
      "                  int64_t k) {\n"
      "  for (int64_t i = 0; i < m * n; ++i) c[i] = 1.0f;\n"
      "  for (int64_t i = 0; i < m; ++i) {\n    for (int64_t j = 0; j < n; ++j) {\n"
      "      for (int64_t p = 0; p < k; ++p) c[i * n + j] += a[i * k + p] * b[p * n + j];\n"
      "    }\n  }\n}\n");
  EXPECT_EQ(ExpectEditsKeepResult(*NewContractionMicrokernelSkill(), task, source), 1);
}

TEST(ContractionMicrokernel, PadsAConvolutionWhileItPacks) {
  const Task task = TaskOf("f", {"x:f32[cin*h*w]", "k:f32[cout*cin*9]"}, {"y:f32[cout*h*w]"},
                           {"cin", "cout", "h", "w"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, const float* k, float* y, int64_t cin, int64_t cout,\n"
      "                  int64_t h, int64_t w) {\n"
      "  for (int64_t o = 0; o < cout; ++o) {\n    for (int64_t r = 0; r < h; ++r) {\n"
      "      for (int64_t c = 0; c < w; ++c) {\n        float s = 0.0f;\n"
      "        for (int64_t i = 0; i < cin; ++i) {\n"
      "          for (int64_t dr = 0; dr < 3; ++dr) {\n"
      "            for (int64_t dc = 0; dc < 3; ++dc) {\n"
      "              const int64_t ir = r + dr - 1;\n              const int64_t ic = c + dc - 1;\n"
      "              if (ir < 0 || ir >= h || ic < 0 || ic >= w) continue;\n"
      "              s += x[(i * h + ir) * w + ic] * k[((o * cin + i) * 3 + dr) * 3 + dc];\n"
      "            }\n          }\n        }\n        y[(o * h + r) * w + c] = s;\n"
      "      }\n    }\n  }\n}\n");
  EXPECT_EQ(ExpectEditsKeepResult(*NewContractionMicrokernelSkill(), task, source), 1);
  EXPECT_GT(ExpectEditsKeepResult(*NewRegisterBlockSkill(), task, source, 3), 0);
}

TEST(ContractionMicrokernel, RefusesTriangularAndSelfReadingNests) {
  const Task task = TaskOf("f", {"a:f32[n*n]", "b:f32[n*n]"}, {"c:f32[n*n]"}, {"n"});
  for (const char* body : {"for (int64_t p = 0; p <= i; ++p) s += a[i * n + p] * b[p * n + j];",
                           "for (int64_t p = 0; p < n; ++p) s += c[i * n + p] * b[p * n + j];"}) {
    const std::string source = Kernel(
        "extern \"C\" void f(const float* a, const float* b, float* c, int64_t n) {\n"
        "  for (int64_t i = 0; i < n; ++i) {\n    for (int64_t j = 0; j < n; ++j) {\n"
        "      float s = 0.0f;\n      " +
        std::string(body) + "\n      c[i * n + j] = s;\n    }\n  }\n}\n");
    EXPECT_EQ(Count(NewContractionMicrokernelSkill(), task, source), 0) << body;
  }
}

TEST(BlockedTranspose, ExchangesAnyTwoAxes) {
  EXPECT_EQ(ExpectKept(NewBlockedTransposeSkill(), "transpose"), 2);
  const Task task = TaskOf("f", {"x:f32[a*b*c]"}, {"y:f32[a*b*c]"}, {"a", "b", "c"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, float* y, int64_t a, int64_t b, int64_t c) {\n"
      "  for (int64_t i = 0; i < a; ++i) {\n    for (int64_t j = 0; j < b; ++j) {\n"
      "      for (int64_t k = 0; k < c; ++k) y[(k * b + j) * a + i] = x[(i * b + j) * c + k];\n"
      "    }\n  }\n}\n");
  EXPECT_EQ(ExpectEditsKeepResult(*NewBlockedTransposeSkill(), task, source), 2);
}

TEST(BlockedTranspose, RefusesAPlainCopy) {
  const Task task = TaskOf("f", {"x:f32[m*n]"}, {"y:f32[m*n]"}, {"m", "n"});
  const std::string source = Kernel(
      "extern \"C\" void f(const float* x, float* y, int64_t m, int64_t n) {\n"
      "  for (int64_t i = 0; i < m; ++i) {\n"
      "    for (int64_t j = 0; j < n; ++j) y[i * n + j] = x[i * n + j];\n  }\n}\n");
  EXPECT_EQ(Count(NewBlockedTransposeSkill(), task, source), 0);
}

TEST(PrivatisedHistogram, CountsTheSame) {
  EXPECT_EQ(ExpectKept(NewPrivatisedHistogramSkill(), "histogram"), 1);
}

TEST(PrivatisedHistogram, RefusesAnAffinePlace) {
  const Task task = TaskOf("f", {"x:i32[n]"}, {"y:i32[n]"}, {"n"});
  const std::string source = Kernel(
      "extern \"C\" void f(const int32_t* x, int32_t* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] += x[i];\n}\n");
  EXPECT_EQ(Count(NewPrivatisedHistogramSkill(), task, source), 0);
}

TEST(Strategies, LeaveParametersThatCanBeTuned) {
  const SeedCase seed = SeedNamed("matmul");
  const auto edits = EditsOf(*NewContractionMicrokernelSkill(), seed.task, seed.source);
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_GE(EditsOf(*NewTuneParameterSkill(), seed.task, edits[0].source).size(), 8u);
}

}  // namespace
}  // namespace ks
