// spread_row: what it writes, what it refuses, and what its blocks compute together.
#include <gtest/gtest.h>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/device/run/device_seeds.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

Task RowTask() { return TaskOf("f", {"x:f32[rows,cols]"}, {"y:f32[rows,cols]"}, {"rows", "cols"}); }

std::string RowKernel(const std::string& body) {
  return "// ksmith: launch f grid=(ceil_div(rows, 64)) block=(64)\n"
         "extern \"C\" __global__ void f(const float* x, float* y, int rows, int cols) {\n"
         "  const int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
         "  if (i >= rows) return;\n" +
         body + "}\n";
}

std::vector<Edit> EditsOf(const std::string& body) {
  return DeviceEditsOf("spread_row", RowTask(), RowKernel(body), "cuda");
}

// Few threads and short parts, so that small rows are spread over several blocks; `kept` elements
// of a thread stay in shared memory.
std::string Small(std::string source, int kept) {
  source = WithConstant(source, "ROW_THREADS", "32").value();
  source = WithConstant(source, "ITEMS_WANTED", "1").value();
  return WithConstant(source, "KEPT_ITEMS", "min(ROW_ITEMS, " + std::to_string(kept) + ")").value();
}

const char kSoftmax[] =
    "  float largest = x[i * cols];\n"
    "  for (int j = 1; j < cols; ++j) largest = fmaxf(largest, x[i * cols + j]);\n"
    "  float sum = 2.0f;\n  int count = 0;\n"
    "  for (int j = 0; j < cols; ++j) {\n    sum += expf(x[i * cols + j] - largest);\n"
    "    if (x[i * cols + j] > 0.5f) count += 1;\n  }\n"
    "  for (int j = 0; j < cols; ++j) {\n"
    "    const float e = expf(x[i * cols + j] - largest);\n"
    "    y[i * cols + j] = e / sum + count;\n  }\n";

TEST(SpreadRow, BlocksThatShareRowsComputeTheSame) {
  const std::vector<AxisValues> sizes = {{{"rows", 1}, {"cols", 1}},
                                         {{"rows", 1}, {"cols", 77}},
                                         {{"rows", 5}, {"cols", 64}},
                                         {{"rows", 4}, {"cols", 700}}};
  const auto edits = EditsOf(kSoftmax);
  ASSERT_EQ(edits.size(), 3u);
  EXPECT_NE(edits[0].source.find(" cooperative"), std::string::npos);
  for (size_t i = 0; i < edits.size(); ++i) {
    for (const int kept : {1, 3, 100}) {
      if (i > 0 && kept != 3) continue;
      const std::string source = Small(edits[i].source, kept);
      EXPECT_EQ(DeviceDifferenceOf(RowTask(), RowKernel(kSoftmax), source, sizes), "") << source;
    }
  }
}

TEST(SpreadRow, KeepsTheSeedsResultOnSeveralBlocks) {
  const DeviceSeed seed = DeviceSeedOf("layer_norm", "cuda");
  for (const char* skill : {"spread_row", "joined_moments"}) {
    size_t spread = 0;
    for (const Edit& edit : DeviceEditsOf(skill, seed.task, seed.source, "cuda")) {
      if (edit.source.find("ITEMS_WANTED") == std::string::npos) continue;
      ++spread;
      const std::string source = Small(edit.source, 4);
      EXPECT_EQ(DeviceDifferenceOf(seed.task, seed.source, source, seed.sizes), "") << source;
    }
    EXPECT_EQ(spread, 3u) << skill;
  }
}

TEST(SpreadRow, RefusesWhatOtherBlocksWouldHaveToSee) {
  // Written at places of other threads.
  EXPECT_TRUE(EditsOf("  float s = 0.0f;\n"
                      "  for (int j = 0; j < cols; ++j) s += x[i * cols + j];\n"
                      "  for (int j = 0; j < cols; ++j) y[i * cols + j] = x[i * cols + j] / s;\n"
                      "  for (int j = 0; j < cols; ++j) s += y[i * cols + (cols - 1 - j)];\n"
                      "  y[i * cols] = s;\n")
                  .empty());
  // Which element was the largest.
  EXPECT_TRUE(EditsOf("  float best = x[i * cols];\n  int at = 0;\n"
                      "  for (int j = 0; j < cols; ++j) {\n    if (x[i * cols + j] > best) {\n"
                      "      best = x[i * cols + j];\n      at = j;\n    }\n  }\n"
                      "  for (int j = 0; j < cols; ++j) y[i * cols + j] = x[i * cols + j] * at;\n")
                  .empty());
  // A sum that does not fit a slot.
  EXPECT_TRUE(EditsOf("  double s = 0.0;\n"
                      "  for (int j = 0; j < cols; ++j) s += x[i * cols + j];\n"
                      "  for (int j = 0; j < cols; ++j) y[i * cols + j] = x[i * cols + j] / s;\n")
                  .empty());
}

TEST(SpreadRow, LeavesRowsThatAreReadOnceManyRowsAndShortOnesAlone) {
  EXPECT_TRUE(EditsOf("  float s = 0.0f;\n"
                      "  for (int j = 0; j < cols; ++j) s += x[i * cols + j];\n"
                      "  y[i * cols] = s;\n")
                  .empty());
  Task task = RowTask();
  const auto edits = [&](int64_t rows, int64_t cols) {
    task.workloads = {{"timed", {{"rows", rows}, {"cols", cols}}, WorkloadRole::kTime}};
    return DeviceEditsOf("spread_row", task, RowKernel(kSoftmax), "cuda").size();
  };
  EXPECT_EQ(edits(4, 1 << 20), 3u);
  EXPECT_EQ(edits(4, 1024), 0u);
  EXPECT_EQ(edits(100000, 1 << 20), 0u);
}

}  // namespace
}  // namespace ks
