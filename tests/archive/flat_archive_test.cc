// Archives that are no grid: a flat population with crowding, and the regions of a CVT.
#include <gtest/gtest.h>

#include <set>

#include "archive/island_archive.h"
#include "base/rng.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

using Ids = std::set<CandidateId>;

std::unique_ptr<IslandArchive> OneIsland(const ArchiveConfig& config) {
  SearchConfig search;
  search.islands = 1;
  return NewArchive(search, config, DescriptorSpaceOf("cpu"));
}

std::unique_ptr<IslandArchive> Flat(int population) {
  ArchiveConfig config;
  config.kind = "flat";
  config.population = population;
  return OneIsland(config);
}

Ids MembersOf(const Archive& archive) {
  Ids ids;
  for (const CellView& cell : archive.Cells()) ids.insert(cell.elite->id);
  return ids;
}

TEST(FlatArchive, KeepsAllWhileThereIsRoomAlsoOfOneStrategy) {
  const auto archive = Flat(3);
  EXPECT_TRUE(archive->Add(Make(0, kNoCandidate).Speedup(2)));
  EXPECT_TRUE(archive->Add(Make(1, 0).Speedup(1)));
  EXPECT_TRUE(archive->Add(Make(2, 0).Speedup(0.5)));
  EXPECT_EQ(MembersOf(*archive), (Ids{0, 1, 2}));
}

TEST(FlatArchive, ReplacesTheWeakestOfTheSameStrategyWhenFull) {
  const auto archive = Flat(3);
  archive->Add(Make(0, kNoCandidate).Cell(1).Speedup(1));
  archive->Add(Make(1, 0).Cell(1).Speedup(3));
  archive->Add(Make(2, 0).Cell(5, 512).Speedup(0.1));  // weakest, another strategy
  EXPECT_FALSE(archive->Add(Make(3, 0).Cell(1).Speedup(0.9)));
  EXPECT_TRUE(archive->Add(Make(4, 1).Cell(1).Speedup(2)));
  EXPECT_EQ(MembersOf(*archive), (Ids{1, 2, 4}));
}

TEST(FlatArchive, ANewStrategyCompetesWithTheMostSimilarOne) {
  const auto archive = Flat(2);
  archive->Add(Make(0, kNoCandidate).Cell(1).Speedup(1));
  archive->Add(Make(1, 0).Cell(5, 512).Speedup(5));
  EXPECT_FALSE(archive->Add(Make(2, 0).Cell(5, 256).Speedup(3))) << "nearest is 1, which is faster";
  EXPECT_TRUE(archive->Add(Make(3, 0).Cell(2).Speedup(3))) << "nearest is 0";
  EXPECT_EQ(MembersOf(*archive), (Ids{1, 3}));
}

TEST(FlatArchive, InspiresAcrossStrategiesAndDrawsFromAllMembers) {
  const auto archive = Flat(100);
  archive->Add(Make(0, kNoCandidate).Cell(1).Speedup(2));
  for (CandidateId id = 1; id < 30; ++id) {
    archive->Add(Make(id, 0).Cell(1 + static_cast<int>(id % 5)).Speedup(2));
  }
  Ids parents;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const Selection selection = archive->Select(seed);
    parents.insert(selection.parent->id);
    Ids named = {selection.parent->id};
    for (const MemberPtr& member : selection.inspirations) named.insert(member->id);
    ASSERT_EQ(named.size(), 1 + selection.inspirations.size());
  }
  EXPECT_EQ(parents.size(), 30u);
}

TEST(FlatArchive, MigratesAndStaysWithinItsPopulation) {
  SearchConfig search;
  search.islands = 2;
  search.migration_interval = 1;
  ArchiveConfig config;
  config.kind = "flat";
  config.population = 4;
  const auto archive = NewArchive(search, config, DescriptorSpaceOf("cpu"));
  Rng rng(8);
  archive->Add(Make(0, kNoCandidate));
  for (CandidateId id = 1; id < 400; ++id) {
    archive->Add(Make(id, static_cast<CandidateId>(rng.Below(static_cast<uint64_t>(id))))
                     .Island(static_cast<int>(rng.Below(2)))
                     .Cell(1 + static_cast<int>(rng.Below(5)))
                     .Speedup(1 + static_cast<double>(id) * 0.1 * rng.Uniform()));
  }
  std::map<int, Ids> islands;
  for (const CellView& cell : archive->Cells()) {
    EXPECT_TRUE(islands[cell.island].insert(cell.elite->id).second) << "twice on one island";
  }
  for (const auto& [island, ids] : islands) {
    EXPECT_EQ(ids.size(), 4u) << island;
    EXPECT_TRUE(ids.contains(archive->best()->id)) << island;
  }
}

TEST(CvtArchive, KeepsOneEliteARegionAndNamesItsBins) {
  ArchiveConfig config;
  config.kind = "cvt";
  config.cvt_cells = 64;
  const auto archive = OneIsland(config);
  Rng rng(2);
  archive->Add(Make(0, kNoCandidate));
  for (CandidateId id = 1; id < 300; ++id) {
    archive->Add(Make(id, 0)
                     .Cell(1 + static_cast<int>(rng.Below(5)), 128 << rng.Below(3))
                     .Speedup(1 + rng.Uniform()));
  }
  EXPECT_LE(archive->Cells().size(), 15u);  // five depths, three widths
  EXPECT_GT(archive->Cells().size(), 2u);
  for (const CellView& cell : archive->Cells()) EXPECT_EQ(cell.bins.size(), archive->axes().size());
}

TEST(NewArchive, KindsTellTheirHistoriesApart) {
  Ids sizes;
  std::set<std::string> hashes;
  for (const char* kind : {"grid", "cvt", "flat"}) {
    ArchiveConfig config;
    config.kind = kind;
    config.cvt_cells = 2;
    const auto one = OneIsland(config), two = OneIsland(config);
    for (IslandArchive* archive : {one.get(), two.get()}) {
      archive->Add(Make(0, kNoCandidate));
      for (CandidateId id = 1; id < 40; ++id) {
        archive->Add(Make(id, id - 1).Cell(1 + static_cast<int>(id % 5)).Speedup(1));
      }
    }
    EXPECT_EQ(one->Hash(), two->Hash());
    hashes.insert(one->Hash());
    sizes.insert(static_cast<CandidateId>(one->Cells().size()));
  }
  EXPECT_EQ(hashes.size(), 3u);
  EXPECT_EQ(*sizes.rbegin(), 40) << "flat keeps all";
}

}  // namespace
}  // namespace ks
