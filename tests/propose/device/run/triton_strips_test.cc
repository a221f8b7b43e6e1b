// triton_strips: what it writes and what it refuses. What the edits compute: triton_skills_test.cc.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/device/run/triton_parents.h"

namespace ks {
namespace {

std::vector<Edit> EditsWith(const std::string& old, const std::string& other) {
  const DeviceSeed seed = WindowSums();
  const std::string source = ReplaceAll(seed.source, old, other);
  EXPECT_NE(source, seed.source);
  return DeviceEditsOf("triton_strips", seed.task, source, "triton");
}

size_t Times(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(TritonStrips, LoadsEveryRowAndEveryWeightOnce) {
  const DeviceSeed seed = WindowSums();
  const auto edits = DeviceEditsOf("triton_strips", seed.task, seed.source, "triton");
  ASSERT_EQ(edits.size(), 4u);
  const std::string& four = edits[1].source;
  EXPECT_EQ(Times(four, "tl.load(x + "), 9u);  // 4 windows of 3 rows, two rows apart
  EXPECT_EQ(Times(four, "tl.load(w + "), 3u);
  EXPECT_EQ(Times(four, "tl.store("), 4u);
  EXPECT_NE(four.find("i = at // width * 4"), std::string::npos);
}

TEST(TritonStrips, JoinsTheMaximumOfARow) {
  const DeviceSeed seed = DeviceSeedOf("max_pool2d", "triton");
  const auto edits = DeviceEditsOf("triton_strips", seed.task, seed.source, "triton");
  ASSERT_EQ(edits.size(), 4u);
  // Of 44 values, 16 pairs of a row's first two; 3 rows at either end have fewer outputs to serve.
  EXPECT_EQ(Times(edits[0].source, "tl.load(x + "), 44u);
  EXPECT_NE(edits[0].source.find("of_row_largest = tl.maximum(of_row_largest, "),
            std::string::npos);
}

TEST(TritonStrips, RefusesRowsThatNoOutputReaches) {
  EXPECT_TRUE(EditsWith("line < 2 * height + 1", "line < 2 * height + 2").empty());
  EXPECT_TRUE(EditsWith("line < 2 * height + 1", "at < height * width").empty());
  EXPECT_TRUE(EditsWith(", mask=present, other=0.0", "").empty());
}

TEST(TritonStrips, RefusesStoresThatAreNotMasked) {
  EXPECT_TRUE(EditsWith("result, mask=inside", "result").empty());
  EXPECT_TRUE(EditsWith("inside = at < height * width", "inside = at < height").empty());
  EXPECT_TRUE(EditsWith("tl.load(b + at, mask=inside, other=0.0)", "tl.load(b + at)").empty());
}

TEST(TritonStrips, RefusesBuffersThatAreReadAndWritten) {
  EXPECT_TRUE(EditsWith("tl.load(b + at", "tl.load(y + at").empty());
}

TEST(TritonStrips, RefusesRowsThatAreUsedInAnotherWay) {
  EXPECT_TRUE(EditsWith("factor = tl.load(w + k)", "factor = tl.load(w + k) * i").empty());
  EXPECT_TRUE(EditsWith("line = i * 2 + k", "line = i * 2 + k * 2").empty());
  EXPECT_TRUE(EditsWith("line = i * 2 + k", "line = i * k").empty());
  EXPECT_TRUE(EditsWith("total = total + factor", "total = total * factor").empty());
  EXPECT_TRUE(EditsWith("result = total + offset", "result = total + offset + line").empty());
}

TEST(TritonStrips, RefusesAnotherWidthInTheGrid) {
  EXPECT_TRUE(EditsWith("ceil_div(height*width, BLOCK)", "ceil_div(height*7, BLOCK)").empty());
  EXPECT_TRUE(EditsWith("j = at % width", "j = at % height").empty());
}

}  // namespace
}  // namespace ks
