#include <gtest/gtest.h>

#include "propose/skills/skills.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

// A task with x[n] and y[n], and a kernel whose body is `body`.
Task VectorTask() { return TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"}); }
std::string VectorKernel(const std::string& body) {
  return "#include <cmath>\n#include <cstdint>\n"
         "extern \"C\" void f(const float* x, float* y, int64_t n) {\n" +
         body + "\n}\n";
}

TEST(LoopInterchange, SwapsATransposeAndKeepsIt) {
  const SeedCase seed = SeedNamed("transpose");
  EXPECT_EQ(ExpectEditsKeepResult(*NewLoopInterchangeSkill(), seed.task, seed.source, 2), 1);
}

TEST(LoopInterchange, RefusesADependenceThatWouldTurnAround) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n*n]"}, {"n"});
  EXPECT_TRUE(EditsOf(*NewLoopInterchangeSkill(), task, VectorKernel(R"(
  for (int64_t i = 0; i < n * n; ++i) y[i] = x[i % n];
  for (int64_t i = 1; i < n; ++i) {
    for (int64_t j = 0; j < n - 1; ++j) y[i * n + j] = y[(i - 1) * n + j + 1];
  })"))
                  .empty());
}

TEST(Tile, TilesATransposeWithRemainders) {
  const SeedCase seed = SeedNamed("transpose");
  EXPECT_EQ(ExpectEditsKeepResult(*NewTileSkill(), seed.task, seed.source, 2), 1);
}

TEST(ScalarReplacement, KeepsAnUpdatedElementInALocal) {
  const Task task = TaskOf("f", {"x:f32[n,m]"}, {"y:f32[n]"}, {"n", "m"});
  const std::string source = R"(#include <cstdint>
extern "C" void f(const float* x, float* y, int64_t n, int64_t m) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = 0;
    for (int64_t j = 0; j < m; ++j) y[i] += x[i * m + j];
  }
})";
  EXPECT_EQ(ExpectEditsKeepResult(*NewScalarReplacementSkill(), task, source, 2), 1);
}

TEST(ScalarReplacement, RefusesAnotherElementOfTheArray) {
  const SeedCase seed = SeedNamed("histogram");
  EXPECT_TRUE(EditsOf(*NewScalarReplacementSkill(), seed.task, seed.source).empty());
}

TEST(LoopFission, SplitsASumFromTheStoresOfSoftmax) {
  const SeedCase seed = SeedNamed("softmax");
  EXPECT_GT(ExpectEditsKeepResult(*NewLoopFissionSkill(), seed.task, seed.source, 1), 0);
}

TEST(LoopFission, RefusesAPrefixSum) {
  const SeedCase seed = SeedNamed("cumsum");
  EXPECT_TRUE(EditsOf(*NewLoopFissionSkill(), seed.task, seed.source).empty());
}

TEST(LoopFusion, MergesNeighboursButNotAcrossALaterRead) {
  const auto skill = NewLoopFusionSkill();
  const std::string good = VectorKernel(R"(
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * 2;
  for (int64_t j = 0; j < n; ++j) y[j] = y[j] + 1;)");
  const std::string bad = VectorKernel(R"(
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * 2;
  for (int64_t i = 0; i < n; ++i) y[i] = i + 1 < n ? y[i] + y[i + 1] : y[i];)");
  EXPECT_EQ(ExpectEditsKeepResult(*skill, VectorTask(), good, 1), 1);
  EXPECT_TRUE(EditsOf(*skill, VectorTask(), bad).empty());
}

TEST(HoistInvariants, MultipliesByAReciprocalAndHoistsCalls) {
  const SeedCase seed = SeedNamed("softmax");
  EXPECT_GT(ExpectEditsKeepResult(*NewHoistInvariantsSkill(), seed.task, seed.source, 1), 0);
  const std::string call = VectorKernel(R"(
  const float scale = static_cast<float>(n);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * std::sqrt(scale);)");
  EXPECT_GT(ExpectEditsKeepResult(*NewHoistInvariantsSkill(), VectorTask(), call, 1), 0);
}

TEST(HoistInvariants, RefusesACallThatChanges) {
  EXPECT_TRUE(EditsOf(*NewHoistInvariantsSkill(), VectorTask(), VectorKernel(R"(
  float scale = 1;
  for (int64_t i = 0; i < n; ++i) { y[i] = x[i] * std::sqrt(scale); scale += 1; })"))
                  .empty());
}

TEST(BranchToSelect, RewritesArgmaxAndRefusesGuardedReads) {
  const auto skill = NewBranchToSelectSkill();
  const SeedCase argmax = SeedNamed("argmax"), guarded = SeedNamed("depthwise_conv");
  EXPECT_EQ(ExpectEditsKeepResult(*skill, argmax.task, argmax.source, 1), 1);
  EXPECT_TRUE(EditsOf(*skill, guarded.task, guarded.source).empty());
}

TEST(SpecializeSizes, DispatchesKnownSizesAndKeepsTheGeneralCase) {
  SeedCase seed = SeedNamed("matmul");
  seed.task.workloads.push_back({"w", {{"m", 16}, {"n", 64}, {"k", 32}}, WorkloadRole::kTime});
  const auto edits = EditsOf(*NewSpecializeSizesSkill(), seed.task, seed.source);
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(DifferenceOf(seed.task, seed.source, edits[0].source, OddSizes(seed.task)), "");
  EXPECT_TRUE(EditsOf(*NewSpecializeSizesSkill(), seed.task, edits[0].source).empty());
}

TEST(RestrictAlignment, StatesTheContractOnce) {
  const SeedCase seed = SeedNamed("matvec");
  EXPECT_EQ(ExpectEditsKeepResult(*NewRestrictAlignmentSkill(), seed.task, seed.source, 2), 2);
  const auto edits = EditsOf(*NewRestrictAlignmentSkill(), seed.task, seed.source);
  EXPECT_EQ(EditsOf(*NewRestrictAlignmentSkill(), seed.task, edits[0].source).size(), 1u);
}

TEST(VectorizePragma, MarksSumsOnlyWhereReorderingIsAllowed) {
  SeedCase seed = SeedNamed("matvec");
  EXPECT_GT(ExpectEditsKeepResult(*NewVectorizePragmaSkill(), seed.task, seed.source, 1), 0);
  seed.task.allow_reassociation = false;
  for (const Edit& edit : EditsOf(*NewVectorizePragmaSkill(), seed.task, seed.source)) {
    EXPECT_EQ(edit.source.find("omp simd"), std::string::npos);
  }
}

TEST(VectorizePragma, DoesNotCallAHistogramIndependent) {
  const SeedCase seed = SeedNamed("histogram");
  for (const Edit& edit : EditsOf(*NewVectorizePragmaSkill(), seed.task, seed.source)) {
    EXPECT_TRUE(edit.source.find("ivdep") == std::string::npos ||
                edit.source.find("ivdep") < edit.source.find("i < bins"));
  }
}

TEST(Prefetch, PrefetchesAStridedWalk) {
  const SeedCase seed = SeedNamed("matmul");
  EXPECT_EQ(ExpectEditsKeepResult(*NewPrefetchSkill(), seed.task, seed.source, 1), 1);
  const SeedCase scattered = SeedNamed("spmv");
  EXPECT_TRUE(EditsOf(*NewPrefetchSkill(), scattered.task, scattered.source).empty());
}

TEST(NontemporalStores, StreamsAnOutputThatIsNeverRead) {
  const SeedCase gelu = SeedNamed("gelu"), softmax = SeedNamed("softmax");
  EXPECT_EQ(ExpectEditsKeepResult(*NewNontemporalStoresSkill(), gelu.task, gelu.source, 1), 1);
  EXPECT_TRUE(EditsOf(*NewNontemporalStoresSkill(), softmax.task, softmax.source).empty());
}

TEST(InlineHotHelper, InlinesWhatALoopCalls) {
  const std::string source = "static float Twice(float v) { return 2 * v; }\n" +
                             VectorKernel("for (int64_t i = 0; i < n; ++i) y[i] = Twice(x[i]);");
  EXPECT_EQ(ExpectEditsKeepResult(*NewInlineHotHelperSkill(), VectorTask(), source, 1), 1);
  EXPECT_TRUE(EditsOf(*NewInlineHotHelperSkill(), MatmulTask(), MatmulSeed()).empty());
}

TEST(Threading, OnlyWhereTheTaskAllowsMoreThanOneCore) {
  SeedCase seed = SeedNamed("matmul");
  EXPECT_TRUE(EditsOf(*NewThreadingSkill(), seed.task, seed.source).empty());
  seed.task.max_threads = 2;
  EXPECT_EQ(ExpectEditsKeepResult(*NewThreadingSkill(), seed.task, seed.source, 1), 1);
  SeedCase shared = SeedNamed("attention");
  shared.task.max_threads = 2;
  EXPECT_TRUE(EditsOf(*NewThreadingSkill(), shared.task, shared.source).empty());
}

TEST(NarrowIndex, NarrowsConstantLoopsOnly) {
  const SeedCase seed = SeedNamed("conv2d");
  EXPECT_EQ(ExpectEditsKeepResult(*NewNarrowIndexSkill(), seed.task, seed.source, 1), 1);
  EXPECT_TRUE(EditsOf(*NewNarrowIndexSkill(), MatmulTask(), MatmulSeed()).empty());
}

}  // namespace
}  // namespace ks
