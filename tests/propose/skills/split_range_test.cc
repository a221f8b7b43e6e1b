#include <gtest/gtest.h>

#include "propose/skills/skills.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

int ExpectKept(const Task& task, const std::string& source) {
  return ExpectEditsKeepResult(*NewSplitRangeSkill(), task, source);
}
std::vector<Edit> Split(const Task& task, const std::string& source) {
  return EditsOf(*NewSplitRangeSkill(), task, source);
}

Task StencilTask() { return TaskOf("stencil", {"u:f32[n,m]"}, {"v:f32[n,m]"}, {"n", "m"}); }
std::string Stencil(const std::string& test, const std::string& border, const std::string& rest) {
  return "#include <cstdint>\n"
         "extern \"C\" void stencil(const float* u, float* v, int64_t n, int64_t m) {\n"
         "  for (int64_t i = 0; i < n; ++i) {\n"
         "    for (int64_t j = 0; j < m; ++j) {\n"
         "      if (" +
         test + ") {\n" + border + "}\n" + rest + "    }\n  }\n}\n";
}
constexpr char kKeep[] = "v[i * m + j] = u[i * m + j];\n";
constexpr char kMean[] =
    "v[i * m + j] = 0.25f * (u[(i - 1) * m + j] + u[(i + 1) * m + j] + u[i * m + j - 1] + "
    "u[i * m + j + 1]);\n";

TEST(SplitRange, FreesTheInteriorOfAStencilFromItsBorders) {
  const std::string source = Stencil("i == 0 || j == 0 || i == n - 1 || j == m - 1",
                                     std::string(kKeep) + "continue;\n", kMean);
  EXPECT_EQ(ExpectKept(StencilTask(), source), 3);  // both loops, each alone
  const std::string both = Split(StencilTask(), source)[0].source;
  EXPECT_NE(both.find("first"), std::string::npos);
  EXPECT_NE(both.find("last"), std::string::npos);
}

TEST(SplitRange, ReadsTestsWrittenTheOtherWayRound) {
  EXPECT_EQ(ExpectKept(StencilTask(), Stencil("i > 0 && 0 < j && i + 1 < n && j <= m - 2", kMean,
                                              std::string("else {") + kKeep + "}\n")),
            3);
  EXPECT_EQ(ExpectKept(StencilTask(), Stencil("!(i >= 1 && j >= 1 && n - 1 > i && j < m - 1)",
                                              std::string(kKeep) + "continue;\n", kMean)),
            3);
  EXPECT_EQ(ExpectKept(StencilTask(), Stencil("i < 3 || j >= m - 2", std::string(kKeep),
                                              "else v[i * m + j] = -u[i * m + j];\n")),
            3);
}

TEST(SplitRange, LeavesOutWhatATestRulesOut) {
  const Task task = TaskOf("fir", {"x:f32[n]", "h:f32[taps]"}, {"y:f32[n]"}, {"n", "taps"});
  const std::string source = R"(#include <cstdint>
extern "C" void fir(const float* x, const float* h, float* y, int64_t n, int64_t taps) {
  for (int64_t i = 0; i < n; ++i) {
    float sum = 0;
    for (int64_t t = 0; t < taps; ++t) {
      if (i - t >= 0) sum += h[t] * x[i - t];
    }
    y[i] = sum;
  }
}
)";
  EXPECT_EQ(ExpectKept(task, source), 1);
  const std::string edited = Split(task, source)[0].source;
  EXPECT_EQ(edited.find("if ("), std::string::npos) << edited;
  // One loop over the taps is left: behind the border nothing is done.
  size_t loops = 0;
  for (size_t at = edited.find("for ("); at != std::string::npos;
       at = edited.find("for (", at + 1)) {
    ++loops;
  }
  EXPECT_EQ(loops, 2u) << edited;
}

TEST(SplitRange, FoldsSelectsAndNamesForIndices) {
  const Task task = TaskOf("pad", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string source = R"(#include <cstdint>
extern "C" void pad(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    float sum = 0;
    for (int64_t k = 0; k < 5; ++k) {
      const int64_t at = i + k - 2;
      sum += at >= 0 && at < n ? x[at] : 0.5f;
    }
    y[i] = sum;
  }
}
)";
  EXPECT_EQ(ExpectKept(task, source), 1);
}

TEST(SplitRange, KeepsTheResultOfTheLibrarysSeeds) {
  for (const char* name : {"conv2d", "depthwise_conv", "attention"}) {
    const SeedCase seed = SeedNamed(name);
    EXPECT_GE(ExpectKept(seed.task, seed.source), 0) << name;
  }
}

TEST(SplitRange, RefusesTestsThatTheLoopChangesAndLoopsThatAreLeft) {
  EXPECT_TRUE(
      Split(StencilTask(), Stencil("u[i * m + j] > 0", kKeep, "else v[i * m + j] = 0;\n")).empty());
  EXPECT_TRUE(
      Split(StencilTask(), Stencil("j == 0", std::string(kKeep) + "break;\n", kKeep)).empty());
  EXPECT_TRUE(
      Split(StencilTask(), Stencil("j % 2 == 0", kKeep, "else v[i * m + j] = 0;\n")).empty());
  const Task task = TaskOf("moving", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  EXPECT_TRUE(Split(task, R"(#include <cstdint>
extern "C" void moving(const float* x, float* y, int64_t n) {
  int64_t limit = 1;
  for (int64_t i = 0; i < n; ++i) {
    if (i < limit) limit += 2;
    y[i] = x[i] + limit;
  }
}
)")
                  .empty());
}

}  // namespace
}  // namespace ks
