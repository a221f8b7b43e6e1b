// triton_stack_steps: what it writes and what it refuses. What the edits compute:
// triton_skills_test.cc.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/device/run/triton_parents.h"

namespace ks {
namespace {

std::vector<Edit> EditsWith(const std::string& old, const std::string& other) {
  const DeviceSeed seed = ColumnSoftmax();
  const std::string source = ReplaceAll(seed.source, old, other);
  EXPECT_NE(source, seed.source);
  return DeviceEditsOf("triton_stack_steps", seed.task, source, "triton");
}

size_t Times(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(TritonStackSteps, LoadsTheColumnOnceHoweverItIsWritten) {
  const DeviceSeed seed = ColumnSoftmax();
  const auto edits = DeviceEditsOf("triton_stack_steps", seed.task, seed.source, "triton");
  ASSERT_EQ(edits.size(), 3u);
  EXPECT_EQ(Times(edits[0].source, "tl.load(x + "), 1u) << edits[0].source;
  EXPECT_EQ(Times(edits[0].source, "STEPS = next_pow2(steps)"), 1u);
  EXPECT_EQ(Times(edits[0].source, "tl.load(b + j, mask=inside, other=0.0)"), 1u);
}

TEST(TritonStackSteps, LoadsAgainWhatMeansSomethingElse) {
  const auto edits = EditsWith("    total = tl.zeros", "    row = row * 1\n    total = tl.zeros");
  ASSERT_FALSE(edits.empty());
  EXPECT_EQ(Times(edits[0].source, "tl.load(x + "), 3u) << edits[0].source;
}

TEST(TritonStackSteps, NeedsATaskThatAllowsAnotherOrder) {
  DeviceSeed seed = ColumnSoftmax();
  seed.task.allow_reassociation = false;
  EXPECT_TRUE(DeviceEditsOf("triton_stack_steps", seed.task, seed.source, "triton").empty());
}

TEST(TritonStackSteps, RefusesStoresThatMayMeet) {
  EXPECT_TRUE(EditsWith("tl.store(y + at,", "tl.store(y + i + j,").empty());
  EXPECT_TRUE(EditsWith("tl.store(y + at,", "tl.store(y + i * rows + j,").empty());
  EXPECT_TRUE(EditsWith("tl.store(y + at,", "tl.store(y + j,").empty());
  EXPECT_TRUE(EditsWith("tl.load(w + i) + shift, mask=inside", "tl.load(w + i) + shift").empty());
  EXPECT_TRUE(EditsWith("tl.arange(0, BLOCK)", "tl.arange(0, BLOCK) // 2").empty());
  EXPECT_TRUE(EditsWith("tl.load(b + j", "tl.load(y + j").empty());
}

TEST(TritonStackSteps, RefusesStepsThatDependOnTheOnesBefore) {
  EXPECT_TRUE(EditsWith("total += tl.exp(", "total = total * 0.5 + tl.exp(").empty());
  EXPECT_TRUE(EditsWith("        shift = tl.load", "        total += 1.0\n        shift = tl.load")
                  .empty());
  EXPECT_TRUE(EditsWith("for i in range(0, steps)", "for i in range(1, steps)").empty());
  EXPECT_TRUE(EditsWith("for k in range(0, steps)", "for k in range(0, rows)").empty());
}

TEST(TritonStackSteps, LeavesLongColumnsAndWiderBlocksAlone) {
  DeviceSeed seed = ColumnSoftmax();
  seed.task.workloads = {
      {"timed", {{"rows", 1}, {"steps", 4096}, {"lanes", 64}}, WorkloadRole::kTime}};
  EXPECT_TRUE(DeviceEditsOf("triton_stack_steps", seed.task, seed.source, "triton").empty());
  EXPECT_TRUE(EditsWith("inside = j < lanes", "inside = (j < lanes)[:]").empty());
}

}  // namespace
}  // namespace ks
