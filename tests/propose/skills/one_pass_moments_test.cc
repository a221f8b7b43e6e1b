#include <gtest/gtest.h>

#include "propose/skills/skills.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

// Two passes over a row: `second` is what the second loop does, `between` stands before it.
std::string TwoPasses(const std::string& second, const std::string& between = "") {
  return "#include <cmath>\n#include <cstdint>\n"
         "extern \"C\" void f(const float* x, float* y, int64_t rows, int64_t cols) {\n"
         "  for (int64_t r = 0; r < rows; ++r) {\n"
         "    float sum = 0.0f;\n"
         "    for (int64_t c = 0; c < cols; ++c) sum += x[r * cols + c];\n"
         "    const float mean = sum / static_cast<float>(cols);\n" +
         between +
         "    float squares = 0.0f;\n"
         "    for (int64_t c = 0; c < cols; ++c) {\n" +
         second +
         "    }\n"
         "    y[r] = squares + mean;\n"
         "  }\n}\n";
}

Task RowsTask(bool reassociate = true) {
  return TaskOf("f", {"x:f32[rows*cols]"}, {"y:f32[rows]"}, {"rows", "cols"}, reassociate);
}

int Count(const Task& task, const std::string& source) {
  return static_cast<int>(EditsOf(*NewOnePassMomentsSkill(), task, source).size());
}

TEST(OnePassMoments, KeepsWhatANormalisationComputes) {
  const SeedCase seed = SeedNamed("layer_norm");
  EXPECT_EQ(ExpectEditsKeepResult(*NewOnePassMomentsSkill(), seed.task, seed.source), 2);
}

TEST(OnePassMoments, FindsTheDifferenceEitherWayRoundAndWrittenOut) {
  for (const char* second :
       {"      const float d = mean - x[r * cols + c];\n      squares += d * d;\n",
        "      squares += (x[r * cols + c] - mean) * (x[r * cols + c] - mean);\n"}) {
    EXPECT_EQ(ExpectEditsKeepResult(*NewOnePassMomentsSkill(), RowsTask(), TwoPasses(second)), 2)
        << second;
  }
}

TEST(OnePassMoments, LeavesOnePassOverTheData) {
  const std::string second =
      "      const float d = x[r * cols + c] - mean;\n      squares += d * d;\n";
  const auto edits = EditsOf(*NewOnePassMomentsSkill(), RowsTask(), TwoPasses(second));
  ASSERT_EQ(edits.size(), 2u);
  const std::string& plain = edits.back().source;
  EXPECT_NE(plain.find("shifted_squares += shifted * shifted;"), std::string::npos) << plain;
  EXPECT_EQ(plain.find("squares += d * d;"), std::string::npos) << plain;
}

TEST(OnePassMoments, RefusesSumsThatMustKeepTheirOrder) {
  const std::string second =
      "      const float d = x[r * cols + c] - mean;\n      squares += d * d;\n";
  EXPECT_EQ(Count(RowsTask(false), TwoPasses(second)), 0);
}

TEST(OnePassMoments, RefusesADifferentTermAndStoresInBetween) {
  const std::string second =
      "      const float d = x[r * cols + c] - mean;\n      squares += d * d;\n";
  EXPECT_EQ(Count(RowsTask(), TwoPasses(second, "    y[r] = mean;\n")), 0);
  for (const char* other :
       {"      const float d = x[c] - mean;\n      squares += d * d;\n",
        "      const float d = x[r * cols + c] - mean;\n      squares += d;\n",
        "      const float d = x[r * cols + c] - x[c];\n      squares += d * d * d;\n"}) {
    EXPECT_EQ(Count(RowsTask(), TwoPasses(other)), 0) << other;
  }
}

}  // namespace
}  // namespace ks
