#include "archive/lineage.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/archive/members.h"

namespace ks {
namespace {

void Add(Lineage& lineage, const MemberPtr& member) { lineage.Add(*member, 0); }

TEST(Lineage, CarriesVisitsAndTheBestDescendantUp) {
  Lineage lineage;
  Add(lineage, Make(0, kNoCandidate).Speedup(1, 0));
  Add(lineage, Make(1, 0).Speedup(2, 0));
  Add(lineage, Make(2, 1).Failed(CompileFailed{}));
  Add(lineage, Make(3, 2).Speedup(8, 0));
  Add(lineage, Make(4, 1).Speedup(0.5, 0));
  EXPECT_EQ(lineage.At(0).visits, 4);
  EXPECT_EQ(lineage.At(1).visits, 3);
  EXPECT_EQ(lineage.At(1).children, 2);
  EXPECT_EQ(lineage.At(2).visits, 1);
  EXPECT_NEAR(lineage.At(0).value, std::log(8), 1e-6);
  EXPECT_NEAR(lineage.At(2).value, std::log(8), 1e-6) << "a failure that was mended";
  EXPECT_NEAR(lineage.At(4).value, std::log(0.5), 1e-6);
  EXPECT_EQ(lineage.expansions(), 4);
}

TEST(Lineage, FoundersAreTheFirstThatAreNotCommonStock) {
  Lineage lineage;
  Add(lineage, Make(0, kNoCandidate));
  Add(lineage, Make(1, 0).Skill("baseline_flags"));
  Add(lineage, Make(2, 1));
  Add(lineage, Make(3, 2));
  EXPECT_TRUE(lineage.At(1).stock);
  EXPECT_EQ(lineage.At(1).founder, 1);
  EXPECT_EQ(lineage.At(3).founder, 2);
}

TEST(Lineage, StopsAtABoundedDepthAndKnowsGaps) {
  Lineage lineage;
  Add(lineage, Make(0, kNoCandidate));
  for (CandidateId id = 2; id < 200; id += 2) Add(lineage, Make(id, id - 2));
  EXPECT_EQ(lineage.At(0).visits, Lineage::kDeepest);
  EXPECT_FALSE(lineage.Contains(3));
  EXPECT_FALSE(lineage.Contains(-1));
  EXPECT_FALSE(lineage.Contains(5000));
  EXPECT_EQ(lineage.Find(7), nullptr);
}

}  // namespace
}  // namespace ks
