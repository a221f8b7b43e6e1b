#include <gtest/gtest.h>

#include <map>
#include <set>

#include "archive/grid_archive.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

SearchConfig Only(double elite, double uniform, double repair) {
  SearchConfig config;
  config.islands = 1;
  config.elite_probability = elite;
  config.uniform_probability = uniform;
  config.repair_probability = repair;
  return config;
}

// Elites 0 to 4 in five cells, faster with rising id, all of them promising.
GridArchive FiveElites(const SearchConfig& config) {
  GridArchive archive(config);
  for (CandidateId id = 0; id < 5; ++id) {
    archive.Add(Make(id, id == 0 ? kNoCandidate : 0)
                    .Cell(static_cast<int>(id) + 1)
                    .Speedup(3.0 + static_cast<double>(id)));
  }
  return archive;
}

// Share of draws that chose each parent.
std::map<CandidateId, double> Draw(const GridArchive& archive, int draws) {
  std::map<CandidateId, double> shares;
  for (int i = 0; i < draws; ++i) {
    shares[archive.Select(static_cast<uint64_t>(i)).parent->id] += 1.0 / draws;
  }
  return shares;
}

TEST(Select, DrawsTheBestAboutHalfOfTheTimeByRank) {
  auto shares = Draw(FiveElites(Only(1, 0, 0)), 4000);
  EXPECT_NEAR(shares[4], 0.53, 0.03);
  EXPECT_NEAR(shares[3], 0.25, 0.03);
  EXPECT_NEAR(shares[2], 0.125, 0.02);
  EXPECT_GT(shares[0], 0);
}

TEST(Select, DrawsUniformlyOverOccupiedCells) {
  for (const auto& [id, share] : Draw(FiveElites(Only(0, 1, 0)), 4000)) {
    EXPECT_NEAR(share, 0.2, 0.03) << id;
  }
}

TEST(Select, CrowdingPrefersCellsChosenLeast) {
  GridArchive archive = FiveElites(Only(0, 0, 0));  // the seed has four children
  CandidateId next = 5;
  std::map<CandidateId, int> chosen;
  for (int i = 0; i < 40; ++i) {
    const CandidateId parent = archive.Select(static_cast<uint64_t>(i)).parent->id;
    ++chosen[parent];
    archive.Add(Make(next++, parent).Failed(TimedOut{}));
  }
  EXPECT_LE(chosen[0], 5);
  for (CandidateId id = 1; id < 5; ++id) EXPECT_NEAR(chosen[id], 9, 1) << id;
}

TEST(Select, GivesFewChildrenToElitesFarBehindTheBest) {
  GridArchive archive(Only(0, 1, 0));
  archive.Add(Make(0, kNoCandidate).Cell(1).Speedup(1.0));
  archive.Add(Make(1, 0).Cell(2).Speedup(2.0));
  archive.Add(Make(2, 0).Cell(3).Speedup(4.0));
  const auto shares = Draw(archive, 4000);
  EXPECT_NEAR(shares.at(0), 0.1 / 3, 0.015);
  EXPECT_NEAR(shares.at(1), 0.9 / 2 + 0.1 / 3, 0.03);
  EXPECT_NEAR(shares.at(2), shares.at(1), 0.03);
}

TEST(Select, MixesTheWaysOfChoosing) {
  const auto shares = Draw(FiveElites(Only(0.7, 0.2, 0)), 4000);
  EXPECT_NEAR(shares.at(4), 0.7 * 0.53 + 0.2 * 0.2 + 0.1 * 0.25, 0.03);
}

TEST(Select, DrawsEveryIslandEquallyOften) {
  GridArchive archive(SearchConfig{});
  archive.Add(Make(0, kNoCandidate));
  std::map<int, int> islands;
  for (uint64_t seed = 0; seed < 3000; ++seed) ++islands[archive.Select(seed).island];
  ASSERT_EQ(islands.size(), 3u);
  for (const auto& [island, count] : islands) EXPECT_NEAR(count, 1000, 100) << island;
}

TEST(Select, RepairsAFailureAtMostTwice) {
  GridArchive archive(Only(1, 0, 1));
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Failed(CompileFailed{}));
  for (CandidateId child = 2; child < 4; ++child) {
    const Selection selection = archive.Select(1);
    EXPECT_TRUE(selection.repair);
    EXPECT_EQ(selection.parent->id, 1);
    ASSERT_FALSE(selection.inspirations.empty());
    EXPECT_EQ(selection.inspirations[0]->id, 0);  // what it was made from
    archive.Add(Make(child, 1).Failed(CompileFailed{}));
  }
  const Selection selection = archive.Select(1);
  EXPECT_FALSE(selection.repair);
  EXPECT_EQ(selection.parent->id, 0);
}

TEST(Select, RepairsOnlyWhatCanBeMendedAndOnlyUnderAStandingElite) {
  GridArchive archive(Only(1, 0, 1));
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Failed(TimedOut{}));
  archive.Add(Make(2, 0).Failed(Rejected{}));
  EXPECT_FALSE(archive.Select(1).repair);
  archive.Add(Make(3, 0).Failed(WrongResult{}));
  EXPECT_TRUE(archive.Select(1).repair);
  archive.Add(Make(4, 0).Speedup(2.0));  // replaces 0
  EXPECT_FALSE(archive.Select(1).repair);
}

TEST(Select, RepairsAsOftenAsConfigured) {
  GridArchive archive(Only(1, 0, 0.05));
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Failed(Crashed{}));
  int repairs = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) repairs += archive.Select(seed).repair;
  EXPECT_NEAR(repairs, 200, 50);
}

TEST(Select, InspiresByTheBestThenByFarAwayElites) {
  SearchConfig config = Only(0, 1, 0);
  config.inspirations = 2;
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate).Cell(1));
  archive.Add(Make(1, 0).Cell(1, 128).Speedup(3.0));  // the best, near the seed
  archive.Add(Make(2, 0).Cell(2).Speedup(2.0));       // near
  archive.Add(Make(3, 0).Cell(5, 512).Speedup(0.1));  // far
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Selection selection = archive.Select(seed);
    ASSERT_EQ(selection.inspirations.size(), 2u);
    std::set<CandidateId> ids = {selection.parent->id};
    for (const MemberPtr& member : selection.inspirations) ids.insert(member->id);
    EXPECT_EQ(ids.size(), 3u);  // no one twice
    if (selection.parent->id != 0) continue;
    EXPECT_EQ(selection.inspirations[0]->id, 1);
    EXPECT_EQ(selection.inspirations[1]->id, 3);
  }
}

TEST(Select, WorksWithTheSeedAlone) {
  GridArchive archive(SearchConfig{});
  archive.Add(Make(0, kNoCandidate));
  const Selection selection = archive.Select(7);
  EXPECT_EQ(selection.parent->id, 0);
  EXPECT_TRUE(selection.inspirations.empty());
}

}  // namespace
}  // namespace ks
