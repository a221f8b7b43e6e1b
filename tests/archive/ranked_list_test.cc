#include "archive/ranked_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

Elite Ranked(CandidateId id, double speedup) {
  return MakeElite(Make(id, kNoCandidate).Speedup(speedup, 0));
}

std::vector<CandidateId> Ids(const RankedList& list) {
  std::vector<CandidateId> ids;
  list.ForEach([&](const Elite& elite) { ids.push_back(elite.id); });
  return ids;
}

TEST(RankedList, OrdersByLowEndThenById) {
  RankedList list;
  for (const auto& [id, speedup] : {std::pair{3, 2.0}, {1, 2.0}, {2, 5.0}, {4, 0.5}}) {
    list.Insert(Ranked(id, speedup));
  }
  EXPECT_EQ(Ids(list), (std::vector<CandidateId>{2, 1, 3, 4}));
  EXPECT_EQ(list.front().member->id, 2);
  EXPECT_EQ(list.back().member->id, 4);
}

TEST(RankedList, AgreesWithASortedVectorOverManyBlocks) {
  Rng rng(5);
  RankedList list;
  std::vector<Elite> sorted;
  for (CandidateId id = 0; id < 6000; ++id) {
    if (!sorted.empty() && rng.Chance(0.35)) {
      const size_t victim = rng.Below(sorted.size());
      list.Erase(sorted[victim]);
      sorted.erase(sorted.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    // Many ties.
    const Elite elite = Ranked(id, 1 + static_cast<double>(rng.Below(500)));
    list.Insert(elite);
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), elite, RanksBefore), elite);
  }
  ASSERT_GT(sorted.size(), 2 * RankedList::kBlock);
  ASSERT_EQ(list.size(), sorted.size());
  for (size_t rank = 0; rank < sorted.size(); ++rank) {
    ASSERT_EQ(list.At(rank).member->id, sorted[rank].member->id) << rank;
  }
  for (const double low : {-1.0, 1.0, 7.5, 250.0, 500.0, 501.0}) {
    const auto expected =
        std::count_if(sorted.begin(), sorted.end(), [low](const Elite& e) { return e.low >= low; });
    EXPECT_EQ(list.CountFrom(low), static_cast<size_t>(expected)) << low;
  }
  EXPECT_TRUE(list.Contains(sorted[777]));
  EXPECT_FALSE(list.Contains(Ranked(100'000, 3)));
  for (const Elite& elite : sorted) list.Erase(elite);
  EXPECT_TRUE(list.empty());
}

TEST(RankedList, AnEmptyOneContainsNothing) {
  const RankedList list;
  EXPECT_FALSE(list.Contains(Ranked(1, 1)));
  EXPECT_EQ(list.CountFrom(0), 0u);
}

}  // namespace
}  // namespace ks
