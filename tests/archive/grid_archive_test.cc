#include "archive/grid_archive.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "base/rng.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

SearchConfig OneIsland() {
  SearchConfig config;
  config.islands = 1;
  return config;
}

std::set<CandidateId> ElitesOf(const GridArchive& archive, int island) {
  std::set<CandidateId> ids;
  for (const CellView& cell : archive.Cells()) {
    if (cell.island == island) ids.insert(cell.elite->id);
  }
  return ids;
}

using Ids = std::set<CandidateId>;

TEST(GridArchive, KeepsTheFasterOfTwoInOneCell) {
  GridArchive archive(OneIsland());
  EXPECT_TRUE(archive.Add(Make(0, kNoCandidate)));
  EXPECT_TRUE(archive.Add(Make(1, 0).Speedup(1.5)));
  EXPECT_FALSE(archive.Add(Make(2, 0).Speedup(1.2)));
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{1}));
  EXPECT_EQ(archive.best()->id, 1);
}

TEST(GridArchive, KeepsTheElderOfEqualKernels) {
  GridArchive archive(OneIsland());
  archive.Add(Make(0, kNoCandidate).Speedup(2.0));
  for (CandidateId id = 1; id < 50; ++id) {
    EXPECT_FALSE(archive.Add(Make(id, 0).Speedup(2.0 + 0.0003 * static_cast<double>(id))));
  }
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0}));
}

TEST(GridArchive, LetsAChildReplaceItsOwnParentByASignificantGain) {
  GridArchive archive(OneIsland());
  archive.Add(Make(0, kNoCandidate).Speedup(2.0));
  archive.Add(Make(1, 0).Cell(2).Speedup(2.0));
  EXPECT_FALSE(archive.Add(Make(2, 1).Speedup(2.01).SignificantGain()));  // 0 is not its parent
  EXPECT_TRUE(archive.Add(Make(3, 0).Speedup(2.01).SignificantGain()));
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{1, 3}));
}

TEST(GridArchive, KeepsSlowerKernelsOfOtherStrategies) {
  GridArchive archive(OneIsland());
  archive.Add(Make(0, kNoCandidate).Speedup(3.0));
  EXPECT_TRUE(archive.Add(Make(1, 0).Cell(3).Speedup(0.5)));
  EXPECT_TRUE(archive.Add(Make(2, 0).Cell(3, 256).Speedup(0.4)));
  EXPECT_EQ(archive.Cells().size(), 3u);
  EXPECT_EQ(archive.best()->id, 0);
}

TEST(GridArchive, NeverMakesAFailureAnElite) {
  GridArchive archive(OneIsland());
  archive.Add(Make(0, kNoCandidate));
  const Outcome failures[] = {CompileFailed{}, LaunchFailed{}, WrongResult{}, Nondeterministic{},
                              OutOfBounds{},   Crashed{},      TimedOut{},    OutOfMemory{},
                              Rejected{},      DuplicateOf{}};
  CandidateId id = 1;
  for (const Outcome& failure : failures) {
    EXPECT_FALSE(archive.Add(Make(id, 0).Cell(4, 512).Failed(failure)));
    ++id;
  }
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0}));
}

TEST(GridArchive, BestIsTheHighestLowEndEvenWithoutACell) {
  GridArchive archive(OneIsland());
  EXPECT_EQ(archive.best(), nullptr);
  archive.Add(Make(0, kNoCandidate).Speedup(2.0, 0.10));
  EXPECT_FALSE(archive.Add(Make(1, 0).Speedup(1.95, 0.01)));
  EXPECT_EQ(archive.best()->id, 1);
}

TEST(GridArchive, PutsTheSeedOnEveryIslandAndOthersOnTheirOwn) {
  GridArchive archive(SearchConfig{});
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Skill("baseline_flags").Speedup(1.2));
  archive.Add(Make(2, 0).Cell(3).Island(1).Speedup(5.0));
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0, 1}));
  EXPECT_EQ(ElitesOf(archive, 1), (Ids{0, 1, 2}));
  EXPECT_EQ(ElitesOf(archive, 2), (Ids{0, 1}));
}

TEST(GridArchive, SendsTheBestToTheNextIslandOnly) {
  SearchConfig config;
  config.migration_interval = 4;
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Island(0).Speedup(3.0));
  archive.Add(Make(2, 0).Cell(3).Island(0).Speedup(2.0));
  EXPECT_EQ(ElitesOf(archive, 1), (Ids{0}));
  archive.Add(Make(3, 0).Cell(4).Island(2).Speedup(1.5));
  EXPECT_EQ(ElitesOf(archive, 1), (Ids{0, 1}));
  EXPECT_EQ(ElitesOf(archive, 2), (Ids{0, 3}));
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0, 1, 2, 3}));
}

// Lineage of 1 on islands 0 and 1 through migration, with 4 of another lineage in the background.
GridArchive TakenOver(int takeover_limit) {
  SearchConfig config;
  config.islands = 2;
  config.migration_interval = 3;
  config.takeover_limit = takeover_limit;
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Island(0).Speedup(3.0));
  archive.Add(Make(2, 0).Cell(3).Island(1).Speedup(1.5));  // and migration: 1 is on both now
  return archive;
}

TEST(GridArchive, BreaksUpALineageThatHoldsEveryIsland) {
  GridArchive archive = TakenOver(4);
  EXPECT_EQ(ElitesOf(archive, 1), (Ids{0, 1, 2}));
  archive.Add(Make(3, 1).Cell(2).Island(0).Speedup(4.0));
  archive.Add(Make(4, 1).Cell(4).Island(1).Speedup(0.9));
  EXPECT_EQ(archive.takeovers(), 0);
  archive.Add(Make(5, 0).Cell(5).Island(1).Speedup(0.8));
  EXPECT_EQ(archive.takeovers(), 1);
  // Migration made 3 the best of both; ties break to the first island, whose best was as weak.
  const bool first_restarted = ElitesOf(archive, 0) == (Ids{0, 2});
  const bool second_restarted = ElitesOf(archive, 1) == (Ids{0, 2});
  EXPECT_TRUE(first_restarted != second_restarted);
  EXPECT_EQ(archive.best()->id, 3);
  const Ids other = ElitesOf(archive, first_restarted ? 1 : 0);
  EXPECT_TRUE(other.contains(3));
  EXPECT_TRUE(other.contains(4));  // nothing good was lost
}

TEST(GridArchive, LeavesLineagesAloneThatDoNotHoldEveryIsland) {
  SearchConfig config;
  config.islands = 2;
  config.migration_interval = 0;
  config.takeover_limit = 2;
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Island(0).Speedup(3.0));
  archive.Add(Make(2, 0).Cell(2).Island(1).Speedup(2.0));
  for (CandidateId id = 3; id < 40; ++id) {
    const int island = static_cast<int>(id % 2);
    archive.Add(Make(id, id - 2).Cell(3).Island(island).Speedup(0.5));
  }
  EXPECT_EQ(archive.takeovers(), 0);
}

// A random history; `features` makes cells collide often.
std::vector<MemberPtr> RandomHistory(int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<MemberPtr> members = {Make(0, kNoCandidate)};
  for (CandidateId id = 1; id < count; ++id) {
    Make member(id, static_cast<CandidateId>(rng.Below(static_cast<uint64_t>(id))));
    member.Island(static_cast<int>(rng.Below(3)))
        .Cell(1 + static_cast<int>(rng.Below(5)), 128 << rng.Below(3))
        .Speedup(1 + 3 * rng.Uniform());
    if (rng.Chance(0.3)) member.Failed(CompileFailed{});
    members.push_back(member);
  }
  return members;
}

TEST(GridArchive, GivesTheSameHashAndDrawsForTheSameHistory) {
  GridArchive one(SearchConfig{}), two(SearchConfig{});
  for (const MemberPtr& member : RandomHistory(300, 9)) {
    one.Add(member);
    two.Add(member);
    ASSERT_EQ(one.Hash(), two.Hash());
    const Selection a = one.Select(static_cast<uint64_t>(member->id));
    const Selection b = two.Select(static_cast<uint64_t>(member->id));
    ASSERT_EQ(a.parent->id, b.parent->id);
    ASSERT_EQ(a.inspirations, b.inspirations);
  }
}

TEST(GridArchive, HashTellsHistoriesApart) {
  GridArchive one(SearchConfig{}), two(SearchConfig{}), failed(SearchConfig{});
  for (GridArchive* archive : {&one, &two, &failed}) archive->Add(Make(0, kNoCandidate));
  one.Add(Make(1, 0).Speedup(1.5));
  two.Add(Make(1, 0).Speedup(1.5000001));
  failed.Add(Make(1, 0).Failed(CompileFailed{}));
  EXPECT_NE(one.Hash(), two.Hash());
  EXPECT_NE(one.Hash(), failed.Hash());
  const std::string before = one.Hash();
  one.Select(1);
  EXPECT_EQ(one.Hash(), before);
}

TEST(GridArchive, TakesTenThousandInsertsAndDrawsFast) {
  const auto history = RandomHistory(10'000, 4);
  GridArchive archive(SearchConfig{});
  const auto start = std::chrono::steady_clock::now();
  for (const MemberPtr& member : history) {
    archive.Add(member);
    archive.Select(static_cast<uint64_t>(member->id));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 3.0);
}

}  // namespace
}  // namespace ks
