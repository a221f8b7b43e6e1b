#include "engine/run_state.h"

#include <gtest/gtest.h>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "engine/source_cache.h"
#include "store/memory_store.h"
#include "tests/store/faulty_store.h"

namespace ks {
namespace {

// A state over a store; every candidate is recorded and judged at once.
struct World {
  World() { Judge(kNoCandidate); }

  void Judge(CandidateId parent, bool fails = false) {
    const CandidateId id = state.size();
    const std::string source = "source " + std::to_string(id);
    CandidateProposed proposed;
    proposed.id = proposed.step = id;
    proposed.parent = parent;
    proposed.skill = id == 0 ? "seed" : "edit";
    proposed.source_hash = *store.PutSource(source);
    Evaluation evaluation;
    evaluation.binary_hash = Sha256Hex("binary " + std::to_string(id));
    Measured measured;
    const double speed = 1 + 0.001 * static_cast<double>(id);
    measured.speedup = {speed * 0.99, speed, speed * 1.01};
    measured.timings.push_back({.workload = "n", .samples_ns = {1, 2}, .parent_samples_ns = {3}});
    if (fails) {
      evaluation.outcome = Rejected{"no_code", "none"};
    } else {
      evaluation.outcome = measured;
    }
    state.NoteBinary(id, evaluation);
    const int64_t at = *store.Append({.body = proposed});
    state.AddProposal(at, proposed, proposed.source_hash);
    state.SetEvaluation(*store.Append({.body = CandidateEvaluated{id, evaluation}}), id,
                        evaluation);
    if (id == 0) {
      state.ChooseBaseline(0);
    } else {
      state.ApplyUpTo(id);
    }
  }
  void JudgeUpTo(CandidateId last) {
    while (state.size() <= last) Judge(state.size() / 2, state.size() % 7 == 3);
  }

  MemoryStore store;
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  RunState state{archive, store, std::make_shared<SourceCache>(store)};
};

constexpr CandidateId kMany = static_cast<CandidateId>(RunState::kHeld) + 100;

TEST(RunState, AnOldMemberIsReadBackAsItWas) {
  World world;
  world.JudgeUpTo(20);
  std::vector<MemberPtr> before;
  for (CandidateId id = 0; id <= 20; ++id) before.push_back(*world.state.Find(id));
  world.JudgeUpTo(kMany);
  for (CandidateId id = 0; id <= 20; ++id) {
    const Result<MemberPtr> found = world.state.Find(id);
    ASSERT_TRUE(found.ok()) << found.error().message;
    const Member& then = *before[static_cast<size_t>(id)];
    const Member& now = **found;
    EXPECT_NE(&then, &now) << "it was held all the time";
    EXPECT_EQ(now.id, then.id);
    EXPECT_EQ(now.parent, then.parent);
    EXPECT_EQ(now.skill, then.skill);
    EXPECT_EQ(now.source.Load().value_or(""), "source " + std::to_string(id));
    EXPECT_EQ(EvaluationToJson(now.evaluation), EvaluationToJson(then.evaluation));
    EXPECT_EQ(world.state.Find(id)->get(), &now) << "recalled twice";
  }
  EXPECT_EQ((*world.state.Find(0))->measured()->speedup.mid, 1.0);
}

TEST(RunState, MembersDoNotCarryTheSamplesOfTheirTimings) {
  World world;
  world.JudgeUpTo(2);
  const MemberPtr member = *world.state.Find(2);
  ASSERT_EQ(member->measured()->timings.size(), 1u);
  EXPECT_TRUE(member->measured()->timings[0].samples_ns.empty());
  EXPECT_TRUE(member->measured()->timings[0].parent_samples_ns.empty());
}

TEST(RunState, GivesTheNewestChildrenOldestFirst) {
  World world;
  for (int i = 0; i < 10; ++i) world.Judge(0, i % 3 == 0);
  const std::vector<MemberPtr> children = *world.state.ChildrenOf(0, 4);
  ASSERT_EQ(children.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(children[i]->id, static_cast<CandidateId>(7 + i));
  const std::vector<MemberPtr> failed = *world.state.FailedChildrenOf(0, 2);
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0]->id, 7);
  EXPECT_EQ(failed[1]->id, 10);
  EXPECT_TRUE(world.state.ChildrenOf(10, 4)->empty());
}

TEST(RunState, TheRivalOfAFailedLineageIsItsNearestMeasuredAncestor) {
  World world;
  world.Judge(0);
  world.Judge(1, true);
  world.Judge(2, true);
  EXPECT_EQ((*world.state.NearestMeasured(3))->id, 1);
  EXPECT_EQ((*world.state.NearestMeasured(1))->id, 1);
  EXPECT_EQ(*world.state.NearestMeasured(kNoCandidate), nullptr);
}

TEST(RunState, KnowsSourcesAndBinariesByTheirFirstCandidate) {
  World world;
  world.JudgeUpTo(50);
  EXPECT_EQ(world.state.seen()->First(Sha256Hex("source 17")), 17);
  EXPECT_EQ(world.state.seen()->First(Sha256Hex("source 51")), kNoCandidate);
  EXPECT_EQ(world.state.binaries()->First(Sha256Hex("binary 16")), 16);
}

TEST(RunState, AnyNumberOfStepsMayWaitToBeApplied) {
  MemoryStore store;
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  RunState state(archive, store, std::make_shared<SourceCache>(store));
  Evaluation evaluation;
  evaluation.outcome = Measured{.speedup = {1, 1, 1}};
  const auto propose = [&](CandidateId id) {
    CandidateProposed proposed{.id = id, .parent = id - 1, .skill = std::to_string(id)};
    proposed.source_hash = Sha256Hex(std::to_string(id));
    state.AddProposal(2 * id + 1, proposed, "");
  };
  for (CandidateId id = 0; id < 7; ++id) {
    propose(id);
    state.SetEvaluation(2 * id + 2, id, evaluation);
  }
  state.ChooseBaseline(0);
  for (CandidateId id = 7; id < 3000; ++id) propose(id);
  for (CandidateId id = 2999; id >= 7; --id) state.SetEvaluation(2 * id + 2, id, evaluation);
  EXPECT_EQ(state.proposed(7).skill, "7");
  EXPECT_EQ(state.proposed(2999).skill, "2999");
  state.ApplyUpTo(2999);
  for (CandidateId id = 0; id < 3000; ++id) {
    ASSERT_EQ((*state.Find(id))->skill, std::to_string(id));
  }
}

TEST(RunState, HoldsAsManyOfTheNewestAsItIsTold) {
  World world;
  world.JudgeUpTo(20);
  const MemberPtr old = *world.state.Find(10), last = *world.state.Find(20);
  world.state.HoldNewest(4);
  EXPECT_EQ(*world.state.Find(20), last);
  EXPECT_NE(*world.state.Find(10), old) << "it was held";
  EXPECT_EQ((*world.state.Find(10))->skill, old->skill);
  world.state.HoldNewest(RunState::kHeld);
  world.Judge(0);
  EXPECT_EQ(*world.state.Find(20), last);
  EXPECT_EQ((*world.state.Find(21))->id, 21);
}

TEST(RunState, ARecordThatLostAMemberIsADataLoss) {
  MemoryStore empty;
  CandidateProposed proposed{.source_hash = Sha256Hex("x")};
  Evaluation evaluation;
  evaluation.outcome = Measured{.speedup = {1, 1, 1}};
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  RunState lost(archive, empty, std::make_shared<SourceCache>(empty));
  for (CandidateId id = 0; id <= kMany; ++id) {
    proposed.id = proposed.step = id;
    proposed.parent = id - 1;
    lost.AddProposal(2 * id + 1, proposed, "");
    lost.SetEvaluation(2 * id + 2, id, evaluation);
    if (id == 0) lost.ChooseBaseline(0);
    lost.ApplyUpTo(id);
  }
  EXPECT_TRUE(lost.Find(kMany).ok());
  ASSERT_FALSE(lost.Find(3).ok());
  EXPECT_EQ(lost.Find(3).error().code, ErrorCode::kDataLoss);
}

TEST(HashIndex, KeepsTheLowestIdOfAnyNumberOfHashes) {
  HashIndex index;
  EXPECT_EQ(index.First(Sha256Hex("a")), kNoCandidate);
  for (CandidateId id = 0; id < 5000; ++id) index.Insert(Sha256Hex(std::to_string(id)), id);
  for (CandidateId id = 0; id < 5000; ++id) index.Insert(Sha256Hex(std::to_string(id)), id + 1);
  index.Insert(Sha256Hex("late"), 9);
  index.Insert(Sha256Hex("late"), 8);
  EXPECT_EQ(index.First(Sha256Hex("late")), 8);
  for (CandidateId id = 0; id < 5000; ++id) {
    ASSERT_EQ(index.First(Sha256Hex(std::to_string(id))), id);
  }
  index.Insert("not a hash", 7);
  EXPECT_EQ(index.First("not a hash"), 7);
  EXPECT_EQ(index.First("another"), kNoCandidate);
}

TEST(HashIndex, TakesManyAtOnceAsOneByOne) {
  HashIndex one_by_one, at_once;
  std::vector<std::string> hashes;
  std::vector<HashIndex::Entry> entries;
  for (int i = 0; i < 5000; ++i) hashes.push_back(Sha256Hex(std::to_string(i % 3000)));
  for (CandidateId id = 0; id < 5000; ++id) {
    entries.push_back({hashes[static_cast<size_t>(id)], 6000 - id});
    one_by_one.Insert(hashes[static_cast<size_t>(id)], 6000 - id);
  }
  at_once.InsertAll({});
  at_once.InsertAll(entries);
  for (const std::string& hash : hashes) ASSERT_EQ(at_once.First(hash), one_by_one.First(hash));
  EXPECT_EQ(at_once.First(hashes[2999]), 6000 - 2999);
  EXPECT_EQ(at_once.First(hashes[0]), 6000 - 3000);
}

TEST(SourceCache, ReadsFromTheStoreOnceAndGivesItsErrors) {
  MemoryStore inner;
  FaultyStore store(inner, FaultyStore::Counts::kAll);
  ASSERT_TRUE(inner.PutSource("text").ok());
  SourceCache cache(store);
  EXPECT_EQ(cache.ReadSource(Sha256("text")).value_or(""), "text");
  EXPECT_EQ(cache.ReadSource(Sha256("text")).value_or(""), "text");
  EXPECT_EQ(store.calls(), 1);
  EXPECT_EQ(cache.ReadSource(Sha256("other")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ks
