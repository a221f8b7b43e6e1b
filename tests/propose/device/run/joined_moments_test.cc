// joined_moments and stencil_strips: what they write and what they refuse.
#include <gtest/gtest.h>

#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

Task VarianceTask() { return TaskOf("f", {"x:f32[rows,cols]"}, {"y:f32[rows]"}, {"rows", "cols"}); }

std::string VarianceKernel(const std::string& second, const std::string& between = "") {
  return "// ksmith: launch f grid=(ceil_div(rows, 64)) block=(64)\n"
         "extern \"C\" __global__ void f(const float* x, float* y, int rows, int cols) {\n"
         "  const int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
         "  if (i >= rows) return;\n"
         "  float sum = 0.0f;\n"
         "  for (int j = 0; j < cols; ++j) sum += x[i * cols + j];\n"
         "  const float mean = sum / cols;\n"
         "  float squares = 0.0f;\n" +
         between + second + "  y[i] = squares / cols;\n}\n";
}

std::string PlainVariance() {
  return VarianceKernel(
      "  for (int j = 0; j < cols; ++j) squares += (x[i * cols + j] - mean) * (x[i * cols + j] - "
      "mean);\n");
}

std::vector<Edit> MomentsOf(const std::string& source) {
  return DeviceEditsOf("joined_moments", VarianceTask(), source, "cuda");
}

TEST(JoinedMoments, SumsSquaresFromTheFirstElement) {
  const std::string source = PlainVariance();
  const std::vector<Edit> edits = MomentsOf(source);
  ASSERT_FALSE(edits.empty());
  EXPECT_NE(edits[0].source.find("const float shift = x[i * cols + 0];"), std::string::npos);
  EXPECT_NE(edits[0].source.find("const float spread = squares - cols * (mean - shift) * (mean - "
                                 "shift);\n  y[i] = (spread < 0.0f ? 0.0f : spread) / cols;"),
            std::string::npos)
      << edits[0].source;
  EXPECT_EQ(DeviceDifferenceOf(VarianceTask(), source, edits[0].source,
                               {{{"rows", 3}, {"cols", 77}}, {{"rows", 1}, {"cols", 1}}}),
            "");
}

TEST(JoinedMoments, RefusesOtherDifferencesAndRanges) {
  EXPECT_TRUE(MomentsOf(VarianceKernel("  for (int j = 0; j < cols; ++j) squares += (x[i * cols + "
                                       "j] - mean) * x[i * cols + j];\n"))
                  .empty());
  EXPECT_TRUE(MomentsOf(VarianceKernel("  for (int j = 1; j < cols; ++j) squares += (x[i * cols + "
                                       "j] - mean) * (x[i * cols + j] - mean);\n"))
                  .empty());
  EXPECT_TRUE(
      MomentsOf(VarianceKernel("  for (int j = 0; j < cols; ++j) squares += (x[i * cols + j] - "
                               "mean) * (x[i * cols + j] - mean);\n",
                               "  y[i] = mean;\n"))
          .empty());
}

// The kernel with one text in place of another.
std::vector<Edit> MomentsWith(const std::string& from, const std::string& to) {
  std::string source = VarianceKernel(
      "  for (int j = 0; j < cols; ++j) squares += (x[i * cols + j] - mean) * (x[i * cols + j] - "
      "mean);\n");
  size_t at = source.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  for (; at != std::string::npos; at = source.find(from, at + to.size())) {
    source.replace(at, from.size(), to);
  }
  return MomentsOf(source);
}

TEST(JoinedMoments, TakesTheDivisorOfTheVarianceAsItIs) {
  EXPECT_FALSE(MomentsWith("squares / cols", "squares / (cols - 1)").empty());
  EXPECT_FALSE(MomentsWith("sum / cols", "sum / (float)cols").empty());
}

TEST(JoinedMoments, RefusesAMeanThatIsNotOfWhatIsSummed) {
  EXPECT_TRUE(MomentsWith("sum / cols", "sum / (cols - 1)").empty()) << "no mean";
  EXPECT_TRUE(MomentsWith("sum / cols", "sum / rows").empty());
  EXPECT_TRUE(MomentsWith("++j", "j += 2").empty()) << "half of the elements";
  EXPECT_TRUE(MomentsWith("float sum = 0.0f", "float sum = 1.0f").empty());
  EXPECT_TRUE(MomentsWith("float squares = 0.0f", "float f = 3, F = f, squares = f").empty());
  EXPECT_TRUE(MomentsWith("squares = 0.0f", "squares = 0.0f, more = 1.0f").empty());
  EXPECT_TRUE(MomentsWith("float sum = 0.0f;", "float sum = 0.0f; sum += 2;").empty());
}

TEST(JoinedMoments, RefusesNamesThatChangeBeforeTheVarianceIsUsed) {
  const std::string use = "  y[i] = squares / cols;";
  EXPECT_TRUE(MomentsWith("const float mean", "float mean").size() > 0);
  EXPECT_TRUE(MomentsWith(use, "  --cols;\n" + use).empty());
  EXPECT_TRUE(MomentsWith(use, "  squares += 3;\n" + use).empty());
  EXPECT_TRUE(MomentsWith(use, "  squares = 3;\n").empty());
  EXPECT_TRUE(MomentsWith(use, "  y[i] = squares * squares;").empty());
  EXPECT_TRUE(
      MomentsWith(use, "  { float& m = (float&)mean; m = 0; }\n  if (i > 3) y[i] = squares;")
          .empty())
      << "no place for a statement in front of the use";
}

TEST(JoinedMoments, KeepsWhatIsNoNumber) {
  // A maximum of zero and what is no number would be zero.
  const std::string source = PlainVariance();
  const std::vector<Edit> edits = MomentsOf(source);
  ASSERT_FALSE(edits.empty());
  EXPECT_EQ(edits[0].source.find("max"), std::string::npos);
}

TEST(JoinedMoments, KeepsTheMaskAndTheDivisorOfATritonKernel) {
  const std::string source =
      "import triton\nimport triton.language as tl\n\n# ksmith: const BLOCK = 32\n"
      "# ksmith: launch f grid=(rows)\n\n\n"
      "@triton.jit\ndef f(x, y, rows, cols, BLOCK: tl.constexpr):\n"
      "    row = tl.program_id(0)\n"
      "    lane = tl.arange(0, BLOCK)\n"
      "    total = tl.zeros((BLOCK,), dtype=tl.float32)\n"
      "    for start in range(0, cols, BLOCK):\n"
      "        at = start + lane\n"
      "        total += tl.load(x + row * cols + at, mask=at < cols, other=0.0)\n"
      "    mean = tl.sum(total, axis=0) / cols\n"
      "    squares = tl.zeros((BLOCK,), dtype=tl.float32)\n"
      "    for start in range(0, cols, BLOCK):\n"
      "        at = start + lane\n"
      "        apart = tl.load(x + row * cols + at, mask=at < cols, other=0.0) - mean\n"
      "        squares += tl.where(at < cols, apart * apart, 0.0)\n"
      "    tl.store(y + row, tl.sum(squares, axis=0) / cols)\n";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string other = source;
    size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    for (; at != std::string::npos; at = other.find(from, at + to.size())) {
      other.replace(at, from.size(), to);
    }
    return DeviceEditsOf("joined_moments", VarianceTask(), other, "triton").size();
  };
  EXPECT_GT(with("lane", "place"), 0u);
  EXPECT_GT(with("tl.store(y + row, tl.sum(squares, axis=0) / cols)",
                 "tl.store(y + row, tl.sum(squares, axis=0) / (cols - 1))"),
            0u);
  EXPECT_EQ(with("axis=0) / cols\n", "axis=0) / (cols - 1)\n"), 0u) << "no mean";
  EXPECT_EQ(with("other=0.0", "other=1.0"), 0u) << "what lies beyond is summed";
  EXPECT_EQ(with("at < cols", "at < rows"), 0u) << "fewer elements than it is divided by";
  EXPECT_EQ(with("tl.arange(0, BLOCK)", "2 * tl.arange(0, BLOCK)"), 0u) << "every second one";
  EXPECT_EQ(with("    squares = tl", "    mean = mean * 2\n    squares = tl"), 0u);
  const auto edits = DeviceEditsOf("joined_moments", VarianceTask(), source, "triton");
  ASSERT_FALSE(edits.empty());
  EXPECT_NE(edits[0].source.find("first_value = tl.load(x + row * cols + 0).to(tl.float32)"),
            std::string::npos)
      << edits[0].source;
  EXPECT_NE(edits[0].source.find("propagate_nan=tl.PropagateNan.ALL"), std::string::npos);
}

Task ImageTask() {
  return TaskOf("f", {"x:f32[height,width]"}, {"y:f32[height,width]"}, {"height", "width"});
}

std::string ImageKernel(const std::string& body) {
  return "// ksmith: launch f grid=(ceil_div(width, 64), height) block=(64)\n"
         "extern \"C\" __global__ void f(const float* x, float* y, int height, int width) {\n"
         "  const int w = blockIdx.x * blockDim.x + threadIdx.x;\n"
         "  const int h = blockIdx.y;\n"
         "  if (w >= width || h >= height) return;\n" +
         body + "}\n";
}

std::vector<Edit> StripsOf(const std::string& body) {
  return DeviceEditsOf("stencil_strips", ImageTask(), ImageKernel(body), "cuda");
}

TEST(StencilStrips, TestTheBorderOnceAThread) {
  const std::string body =
      "  float sum = 0.0f;\n"
      "  for (int k = -1; k < 2; ++k) {\n"
      "    if (h + k >= 0 && h + k < height) sum += x[(h + k) * width + w];\n"
      "  }\n"
      "  y[h * width + w] = sum;\n";
  const std::vector<Edit> edits = StripsOf(body);
  ASSERT_EQ(edits.size(), 11u);
  EXPECT_NE(edits[4].source.find("(h + (OUTPUTS - 1) + 1 < height)"), std::string::npos)
      << edits[4].source;
  EXPECT_EQ(DeviceDifferenceOf(ImageTask(), ImageKernel(body), edits[4].source,
                               {{{"height", 1}, {"width", 1}}, {{"height", 21}, {"width", 70}}}),
            "");
}

// Strips that sum over a window with this test of the border; their number.
size_t ExpectStripsKeepTheBorder(const std::string& test, const std::string& front = "") {
  const std::string body = "  float sum = 0.0f;\n" + front + "  for (int k = -1; k < 2; ++k) {\n" +
                           test +
                           " sum += x[(h + k) * width + w];\n  }\n  y[h * width + w] = sum;\n";
  const std::vector<Edit> edits = StripsOf(body);
  for (const Edit& edit : edits) {
    // Hardest for the last output says nothing about the first one's row above.
    EXPECT_EQ(edit.source.find("(OUTPUTS - 1) + 1"), std::string::npos) << test << "\n"
                                                                        << edit.source;
  }
  if (edits.empty()) return 0;
  EXPECT_EQ(DeviceDifferenceOf(ImageTask(), ImageKernel(body), edits[0].source,
                               {{{"height", 1}, {"width", 1}}, {{"height", 21}, {"width", 70}}}),
            "")
      << test << "\n"
      << edits[0].source;
  return edits.size();
}

TEST(StencilStrips, KeepATestThatAnUnsignedTypeMakesOfBothEnds) {
  EXPECT_GT(ExpectStripsKeepTheBorder("    if ((unsigned)(h + k) < (unsigned)height)"), 0u);
  ExpectStripsKeepTheBorder(
      "    if (static_cast<unsigned>(h + k) < static_cast<unsigned>(height))");
  ExpectStripsKeepTheBorder("    if ((size_t)(h + k) < height)");
  ExpectStripsKeepTheBorder("    if ((unsigned)(h + k) <= height - 1)");
  ExpectStripsKeepTheBorder("    if (h + k < end)", "  const unsigned end = height;\n");
  ExpectStripsKeepTheBorder("    const unsigned r = h + k;\n    if (r < height)");
  ExpectStripsKeepTheBorder("    if (h + k < 0u + height)");
}

TEST(StencilStrips, RefuseLongLoopsSharedOutputsAndWindowsThatDoNotMove) {
  EXPECT_TRUE(StripsOf("  float sum = 0.0f;\n  for (int k = 0; k < height; ++k) sum += x[k * width "
                       "+ w];\n  y[h * width + w] = sum;\n")
                  .empty());
  EXPECT_TRUE(StripsOf("  float sum = 0.0f;\n  for (int k = 0; k < 3; ++k) sum += x[k];\n"
                       "  y[h * width + w] = sum;\n")
                  .empty());
  EXPECT_TRUE(StripsOf("  for (int k = 0; k < 2; ++k) {\n    if (h + k < height) y[(h + k) * width "
                       "+ w] = x[(h + k) * width + w];\n  }\n")
                  .empty());
}

}  // namespace
}  // namespace ks
