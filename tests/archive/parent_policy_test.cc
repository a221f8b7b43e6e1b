#include "archive/parent_policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "archive/island_archive.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

SearchConfig With(const std::string& policy) {
  SearchConfig config;
  config.islands = 1;
  config.policy = policy;
  config.repair_probability = 0;
  config.takeover_limit = 0;
  return config;
}

std::unique_ptr<IslandArchive> Flat(const SearchConfig& config, int population = 100'000) {
  ArchiveConfig archive;
  archive.kind = "flat";
  archive.population = population;
  return NewArchive(config, archive, DescriptorSpaceOf("cpu"));
}

std::map<CandidateId, double> Shares(const Archive& archive, int draws) {
  std::map<CandidateId, double> shares;
  for (int i = 0; i < draws; ++i) {
    shares[archive.Select(static_cast<uint64_t>(i)).parent->id] += 1.0 / draws;
  }
  return shares;
}

TEST(PowerLaw, DrawsRanksByTheirPower) {
  for (const double alpha : {0.0, 0.5, 1.0, 1.0000000001, 2.0, 8.0}) {
    Rng rng(11);
    constexpr int kDraws = 40'000;
    std::map<size_t, double> shares;
    for (int i = 0; i < kDraws; ++i) shares[DrawPowerLaw(20, alpha, rng)] += 1.0 / kDraws;
    double total = 0;
    for (int k = 1; k <= 20; ++k) total += std::pow(k, -alpha);
    for (size_t rank = 0; rank < 20; ++rank) {
      const double expected = std::pow(rank + 1, -alpha) / total;
      EXPECT_NEAR(shares[rank], expected, 0.012) << "alpha " << alpha << " rank " << rank;
    }
    EXPECT_LT(shares.rbegin()->first, 20u);
  }
}

TEST(PowerLaw, HandlesOneMemberAndAMillion) {
  Rng rng(3);
  for (const double alpha : {0.0, 1.0, 10.0}) {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(DrawPowerLaw(1, alpha, rng), 0u);
      EXPECT_LT(DrawPowerLaw(1'000'000, alpha, rng), 1'000'000u);
    }
  }
}

TEST(ParentPolicy, PowerLawPrefersTheFaster) {
  const auto archive = Flat(With("power_law"));
  archive->Add(Make(0, kNoCandidate).Speedup(1));
  archive->Add(Make(1, 0).Speedup(2));
  archive->Add(Make(2, 0).Speedup(3));
  const auto shares = Shares(*archive, 6000);
  EXPECT_NEAR(shares.at(2), 6.0 / 11, 0.03);
  EXPECT_NEAR(shares.at(1), 3.0 / 11, 0.03);
  EXPECT_NEAR(shares.at(0), 2.0 / 11, 0.03);
}

TEST(ParentPolicy, RandomDrawsEveryMemberEquallyOften) {
  const auto archive = Flat(With("random"));
  for (CandidateId id = 0; id < 5; ++id) {
    archive->Add(Make(id, id - 1).Speedup(std::pow(5, id)));
  }
  for (const auto& [id, share] : Shares(*archive, 6000)) EXPECT_NEAR(share, 0.2, 0.03) << id;
}

TEST(ParentPolicy, CrowdingTakesTheLeastChosenCell) {
  const auto archive = Flat(With("crowding"));
  archive->Add(Make(0, kNoCandidate).Cell(1).Speedup(2));
  for (CandidateId id = 1; id < 10; ++id) archive->Add(Make(id, 0).Cell(1).Speedup(2));
  archive->Add(Make(10, 0).Cell(3).Speedup(2));
  EXPECT_NEAR(Shares(*archive, 500)[10], 1, 1e-9);
}

// A root with two children: 1 is the faster, 2 has the better descendant.
std::unique_ptr<IslandArchive> TwoLines(const SearchConfig& config) {
  auto archive = Flat(config);
  archive->Add(Make(0, kNoCandidate).Speedup(1));
  archive->Add(Make(1, 0).Speedup(2));
  archive->Add(Make(2, 0).Speedup(1.1));
  archive->Add(Make(3, 2).Speedup(6));
  return archive;
}

class TreePolicy : public ::testing::TestWithParam<const char*> {};

TEST_P(TreePolicy, WithoutExplorationFollowsTheBestDescendant) {
  SearchConfig config = With(GetParam());
  config.exploration = 0;
  auto shares = Shares(*TwoLines(config), 4000);
  EXPECT_LT(shares[1], 0.2) << "faster itself, but nothing came of it";
  EXPECT_GT(shares[3] + shares[2] + shares[0], 0.8);
}

TEST_P(TreePolicy, ExplorationMovesOnFromWhatWasTriedOften) {
  SearchConfig config = With(GetParam());
  config.exploration = 20;
  const auto archive = TwoLines(config);
  std::map<CandidateId, int> chosen;
  for (CandidateId id = 4; id < 204; ++id) {
    const CandidateId parent = archive->Select(static_cast<uint64_t>(id)).parent->id;
    ++chosen[parent];
    archive->Add(Make(id, parent).Failed(TimedOut{}));
  }
  EXPECT_GT(chosen[1], 20);
  EXPECT_GT(chosen[3], 20);
  EXPECT_LT(chosen[3], 150);
}

TEST_P(TreePolicy, SpreadsProposalsThatAreInFlightTogether) {
  const auto archive = TwoLines(With(GetParam()));
  for (const auto& [id, share] : Shares(*archive, 2000)) EXPECT_LT(share, 0.7) << id;
}

TEST_P(TreePolicy, LooksAtTheBestAndAtOthersOfALargePopulation) {
  const auto archive = Flat(With(GetParam()));
  const auto members = static_cast<CandidateId>(3 * ParentPolicy::kMostCandidates);
  for (CandidateId id = 0; id < members; ++id) {
    archive->Add(Make(id, id == 0 ? kNoCandidate : 0).Speedup(1 + 0.001 * static_cast<double>(id)));
  }
  const auto shares = Shares(*archive, 300);
  EXPECT_GT(shares.rbegin()->first, members - 10);
}

INSTANTIATE_TEST_SUITE_P(Policies, TreePolicy, ::testing::Values("uct", "puct"));

TEST(ParentPolicy, EveryPolicyWorksWithTheSeedAloneInEveryArchive) {
  for (const char* policy : {"mix", "power_law", "uct", "puct", "crowding", "random"}) {
    for (const char* kind : {"grid", "cvt", "flat"}) {
      ArchiveConfig config;
      config.kind = kind;
      config.cvt_cells = 4;
      const auto archive = NewArchive(With(policy), config, DescriptorSpaceOf("cuda"));
      archive->Add(Make(0, kNoCandidate));
      for (uint64_t seed = 0; seed < 20; ++seed) {
        EXPECT_EQ(archive->Select(seed).parent->id, 0) << policy << " " << kind;
      }
    }
  }
}

}  // namespace
}  // namespace ks
