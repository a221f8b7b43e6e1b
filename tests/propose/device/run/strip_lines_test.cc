// stencil_strips line by line: what it writes, computes and refuses.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

Task WindowTask() {
  return TaskOf("f", {"x:f32[height*2+1,width]", "w:f32[6]", "b:f32[height,width]"},
                {"y:f32[height,width]", "z:f32[height,width]"}, {"height", "width"});
}

// Two rows apart, padded by one column at each side; a sum with weights and the largest.
const char kKernel[] = R"(// ksmith: const BLOCK = 64
// ksmith: launch f grid=(ceil_div(height*width, BLOCK)) block=(BLOCK)
extern "C" __global__ void f(const float* x, const float* w, const float* b, float* y, float* z,
                             int height, int width) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * width) return;
  const int i = at / width;
  const int j = at % width;
  const int lines = 2 * height + 1;
  const float offset = b[i * width + j];
  float sum = offset;
  float largest = -1.5f;
  for (int k = 0; k < 3; ++k) {
    for (int l = -1; l < 2; ++l) {
      if (i * 2 + k < lines && j + l >= 0 && j + l < width) {
        sum += x[(i * 2 + k) * width + j + l] * w[k * 2 + 1];
        largest = fmaxf(x[(i * 2 + k) * width + j + l], largest);
      }
    }
  }
  y[i * width + j] = sum * offset;
  z[i * width + j] = largest;
}
)";

std::vector<Edit> LinesOf(const std::string& source) {
  std::vector<Edit> lines;
  for (Edit& edit : DeviceEditsOf("stencil_strips", WindowTask(), source, "cuda")) {
    if (edit.rationale.find("line by line") != std::string::npos) lines.push_back(std::move(edit));
  }
  return lines;
}

size_t EditsWith(const std::string& old, const std::string& other) {
  const std::string source = ReplaceAll(kKernel, old, other);
  EXPECT_NE(source, kKernel);
  return LinesOf(source).size();
}

TEST(StripLines, ComputeTheSameInsideAndAtTheBorder) {
  const auto edits = LinesOf(kKernel);
  ASSERT_EQ(edits.size(), 4u);
  for (const Edit& edit : edits) {
    EXPECT_EQ(DeviceDifferenceOf(WindowTask(), kKernel, edit.source,
                                 {{{"height", 1}, {"width", 1}},
                                  {{"height", 3}, {"width", 2}},
                                  {{"height", 37}, {"width", 70}}}),
              "")
        << edit.source;
  }
}

TEST(StripLines, LoadEveryLineOnceForAllOutputs) {
  const auto edits = LinesOf(kKernel);
  ASSERT_FALSE(edits.empty());
  EXPECT_NE(edits[0].source.find("ks_line < 2 * (OUTPUTS - 1) + 3"), std::string::npos)
      << edits[0].source;
  // The largest of a line is joined, the sum has a weight a line of the window.
  EXPECT_NE(edits[0].source.find("ks_joined = fmaxf(ks_joined, ks_value1"), std::string::npos);
  EXPECT_NE(edits[0].source.find("w[ks_place * 2 + 1]"), std::string::npos);
}

TEST(StripLines, RefuseWhatDoesNotMoveWithTheLine) {
  EXPECT_EQ(EditsWith("i * 2 + k < lines", "i + k < lines"), 0u);
  EXPECT_EQ(EditsWith("i * 2 + k < lines", "(unsigned)(i * 2 + k) < lines"), 0u);
  EXPECT_EQ(EditsWith("i * 2 + k < lines", "x[k] < 0.5f"), 0u);
  EXPECT_EQ(EditsWith("* w[k * 2 + 1]", "* w[k * 2 + 1] * i"), 0u);
  EXPECT_EQ(EditsWith("* w[k * 2 + 1]", "* w[(k + i) % 6]"), 0u);
}

TEST(StripLines, RefuseSumsThatDependOnOneAnother) {
  EXPECT_EQ(EditsWith("* w[k * 2 + 1]", "* largest"), 0u);
  EXPECT_EQ(EditsWith("sum += ", "sum = sum * 0.5f + "), 0u);
  EXPECT_EQ(EditsWith("z[i * width + j] = largest", "y[i * width + j] = largest"), 0u);
}

}  // namespace
}  // namespace ks
