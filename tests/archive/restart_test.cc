#include <gtest/gtest.h>

#include <set>

#include "archive/grid_archive.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

using Ids = std::set<CandidateId>;

Ids ElitesOf(const GridArchive& archive, int island) {
  Ids ids;
  for (const CellView& cell : archive.Cells()) {
    if (cell.island == island) ids.insert(cell.elite->id);
  }
  return ids;
}

SearchConfig Restarting(int after, const std::string& from) {
  SearchConfig config;
  config.islands = 3;
  config.migration_interval = 0;
  config.takeover_limit = 0;
  config.restart_after = after;
  config.restart_from = from;
  return config;
}

// Elites 1, 2 and 3 lead islands 0, 1 and 2; then island 1 sees `idle` members without progress.
GridArchive Stagnated(const SearchConfig& config, int idle) {
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Island(0).Speedup(3));
  archive.Add(Make(2, 0).Cell(3).Island(1).Speedup(2));
  archive.Add(Make(3, 0).Cell(4).Island(2).Speedup(5));
  for (CandidateId id = 4; id < 4 + idle; ++id) {
    archive.Add(Make(id, 2).Cell(5).Island(1).Speedup(0.5));
  }
  return archive;
}

TEST(Restart, WaitsForTheConfiguredNumberOfSteps) {
  EXPECT_EQ(Stagnated(Restarting(6, "best"), 5).restarts(), 0);
  EXPECT_EQ(Stagnated(Restarting(6, "best"), 6).restarts(), 1);
  EXPECT_EQ(Stagnated(Restarting(6, "best"), 11).restarts(), 1);
  EXPECT_EQ(Stagnated(Restarting(6, "best"), 12).restarts(), 2);
  EXPECT_EQ(Stagnated(Restarting(0, "best"), 100).restarts(), 0);
}

TEST(Restart, BeginsWithTheSeedAndTheBestOfAll) {
  const GridArchive archive = Stagnated(Restarting(6, "best"), 6);
  EXPECT_EQ(ElitesOf(archive, 1), (Ids{0, 3}));
}

TEST(Restart, BeginsWithTheBestOfTheIslandBefore) {
  EXPECT_EQ(ElitesOf(Stagnated(Restarting(6, "island"), 6), 1), (Ids{0, 1}));
}

TEST(Restart, BeginsWithTheSeedAlone) {
  EXPECT_EQ(ElitesOf(Stagnated(Restarting(6, "seed"), 6), 1), (Ids{0}));
}

TEST(Restart, OffersWhatTheIslandHeldToTheNextOne) {
  const GridArchive archive = Stagnated(Restarting(6, "best"), 6);
  EXPECT_EQ(ElitesOf(archive, 2), (Ids{0, 2, 3, 4}));
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0, 1}));
}

TEST(Restart, ANewBestCountsAsProgress) {
  GridArchive archive = Stagnated(Restarting(6, "best"), 5);
  archive.Add(Make(50, 2).Cell(3).Island(1).Speedup(2.5));
  for (CandidateId id = 51; id < 56; ++id) {
    archive.Add(Make(id, 2).Cell(5).Island(1).Speedup(0.4));
  }
  EXPECT_EQ(archive.restarts(), 0);
  archive.Add(Make(56, 2).Cell(5).Island(1).Failed(CompileFailed{}));
  EXPECT_EQ(archive.restarts(), 1) << "failures count as steps";
}

TEST(Restart, WorksWithOneIsland) {
  SearchConfig config = Restarting(3, "best");
  config.islands = 1;
  GridArchive archive(config);
  archive.Add(Make(0, kNoCandidate));
  archive.Add(Make(1, 0).Cell(2).Speedup(2));
  for (CandidateId id = 2; id < 5; ++id) archive.Add(Make(id, 1).Cell(3).Speedup(0.5));
  EXPECT_EQ(archive.restarts(), 1);
  EXPECT_EQ(ElitesOf(archive, 0), (Ids{0, 1}));
  EXPECT_EQ(archive.Select(1).island, 0);
}

TEST(Restart, ChangesTheHash) {
  EXPECT_NE(Stagnated(Restarting(6, "best"), 6).Hash(), Stagnated(Restarting(6, "seed"), 6).Hash());
}

}  // namespace
}  // namespace ks
