#include <gtest/gtest.h>

#include "propose/skills/skills.h"
#include "tests/propose/kernel_equality.h"
#include "tests/propose/seeds.h"

namespace ks {
namespace {

int ExpectKept(const std::unique_ptr<Skill>& skill, const std::string& seed, int limit = 4) {
  const SeedCase seed_case = SeedNamed(seed);
  return ExpectEditsKeepResult(*skill, seed_case.task, seed_case.source, limit);
}

TEST(LaneStrips, MakesStridedReductionsContiguous) {
  const auto skill = NewLaneStripsSkill();
  for (const char* seed : {"matmul", "sum_middle", "argmax", "rms_norm", "conv2d", "batched_matmul",
                           "depthwise_conv"}) {
    EXPECT_GT(ExpectKept(skill, seed), 0) << seed;
  }
}

TEST(LaneStrips, DeclaresItsArraysInTheOrderOfTheSource) {
  const SeedCase seed = SeedNamed("argmax");
  const std::vector<Edit> edits = EditsOf(*NewLaneStripsSkill(), seed.task, seed.source);
  ASSERT_FALSE(edits.empty());
  for (const Edit& edit : edits) {
    const size_t value = edit.source.find("best_lanes[");
    const size_t index = edit.source.find("best_index_lanes[");
    ASSERT_NE(value, std::string::npos);
    EXPECT_LT(value, index) << edit.source;
  }
}

TEST(LaneStrips, RefusesARecurrenceAndAStridedLoop) {
  const auto skill = NewLaneStripsSkill();
  EXPECT_EQ(ExpectKept(skill, "cumsum"), 0);
  EXPECT_EQ(ExpectKept(skill, "matvec"), 0);
}

TEST(MultipleAccumulators, SplitsSumsAndMaxima) {
  const auto skill = NewMultipleAccumulatorsSkill();
  for (const char* seed : {"matvec", "softmax", "cross_entropy", "layer_norm", "spmv", "matmul"}) {
    EXPECT_GT(ExpectKept(skill, seed, 6), 0) << seed;
  }
}

TEST(MultipleAccumulators, RefusesWhereSumsMustKeepTheirOrder) {
  SeedCase seed = SeedNamed("matvec");
  seed.task.allow_reassociation = false;
  EXPECT_TRUE(EditsOf(*NewMultipleAccumulatorsSkill(), seed.task, seed.source).empty());
}

TEST(MultipleAccumulators, RefusesAPrefixSum) {
  EXPECT_EQ(ExpectKept(NewMultipleAccumulatorsSkill(), "cumsum"), 0);
}

TEST(UnrollAndJam, BlocksMatrixProductsForRegisters) {
  const auto skill = NewUnrollAndJamSkill();
  for (const char* seed : {"matmul", "matvec", "batched_matmul", "conv2d", "sum_middle"}) {
    EXPECT_GT(ExpectKept(skill, seed), 0) << seed;
  }
}

TEST(UnrollAndJam, RefusesScratchSharedByIterations) {
  const auto skill = NewUnrollAndJamSkill();
  const SeedCase seed = SeedNamed("attention");
  for (const Edit& edit : EditsOf(*skill, seed.task, seed.source)) {
    EXPECT_EQ(edit.rationale.find("over h"), std::string::npos) << edit.rationale;
    EXPECT_EQ(edit.rationale.find("over i"), std::string::npos) << edit.rationale;
  }
}

TEST(UnrollAndJam, AppliesOnTopOfLaneStrips) {
  const SeedCase seed = SeedNamed("matmul");
  const auto strips = EditsOf(*NewLaneStripsSkill(), seed.task, seed.source);
  ASSERT_FALSE(strips.empty());
  EXPECT_GT(ExpectEditsKeepResult(*NewUnrollAndJamSkill(), seed.task, strips[0].source, 2), 0);
}

TEST(CompilerFlags, StartsWithTheFullSetAndKeepsResults) {
  const SeedCase seed = SeedNamed("matvec");
  const auto edits = EditsOf(*NewCompilerFlagsSkill(), seed.task, seed.source);
  ASSERT_GE(edits.size(), 2u);
  EXPECT_NE(edits[0].source.find("-O3 -march="), std::string::npos);
  EXPECT_EQ(DifferenceOf(seed.task, seed.source, edits[1].source, OddSizes(seed.task)), "");
}

TEST(CompilerFlags, OffersNoReorderingWhereTheToleranceForbidsIt) {
  SeedCase seed = SeedNamed("matvec");
  seed.task.allow_reassociation = false;
  for (const Edit& edit : EditsOf(*NewCompilerFlagsSkill(), seed.task, seed.source)) {
    EXPECT_EQ(edit.source.find("-ffast-math"), std::string::npos);
  }
}

TEST(TuneParameter, ProposesNeighboursAndStaysAboveZero) {
  const std::string source = "constexpr int64_t kTile = 1;  // ksmith: tune 1 2 4\n" + MatmulSeed();
  const auto edits = EditsOf(*NewTuneParameterSkill(), MatmulTask(), source);
  ASSERT_EQ(edits.size(), 2u);
  EXPECT_NE(edits[0].source.find("kTile = 2;"), std::string::npos);
  EXPECT_TRUE(EditsOf(*NewTuneParameterSkill(), MatmulTask(), MatmulSeed()).empty());
}

}  // namespace
}  // namespace ks
