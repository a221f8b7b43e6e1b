// What the engine does with near copies, told by a novelty that anyone can predict.
#include <gtest/gtest.h>

#include <map>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "core/run_view.h"
#include "engine/engine.h"
#include "store/memory_store.h"
#include "tests/engine/doubles.h"

namespace ks {
namespace {

std::string LastWord(std::string_view source) { return std::string(SplitWords(source).back()); }

// A near copy: the last edit is one that failed.
class SameLastEdit final : public Novelty {
 public:
  void Note(const Member& member, std::string_view source) override {
    if (member.measured() == nullptr) failed_.emplace(LastWord(source), member.id);
  }
  std::optional<CandidateId> NearCopyOf(std::string_view source, const Member&) const override {
    const auto found = failed_.find(LastWord(source));
    return found == failed_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, CandidateId> failed_;
};

// Proposes as the toy does, from threads.
class SlowToy final : public Proposer {
 public:
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override {
    std::this_thread::sleep_for(std::chrono::microseconds(context.seed % 1500));
    return toy_.Propose(context, std::move(stop));
  }
  bool slow() const override { return true; }

 private:
  ToyProposer toy_;
};

struct NovelRun {
  explicit NovelRun(Proposer& by, int workers = 2) : proposer(by) {
    config.in_flight = 4;
    config.workers = workers;
    config.max_steps = 80;
    config.seed = 5;
  }
  EngineParts Parts() {
    EngineParts parts{evaluator, proposer, archive, store, clock, {}, {}, {"seed", "seed -O3"}};
    if (novel) parts.novelty = &novelty;
    return parts;
  }
  RunView Go() {
    const Result<RunEnd> end = RunSearch(config, identity, Parts(), {});
    EXPECT_TRUE(end.ok()) << end.error().message;
    if (end.ok()) hash = end->archive_hash;
    return *FoldEvents(*store.Read(0));
  }

  Proposer& proposer;
  bool novel = true;
  SameLastEdit novelty;
  RunConfig config;
  RunIdentity identity{"run", "test", "{}", "h"};
  ToyEvaluator evaluator;
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  MemoryStore store;
  SystemClock clock;
  std::string hash;
};

// Evaluated candidates whose last edit does not compile.
int Repetitions(const NovelRun& run, const RunView& view) {
  int count = 0;
  for (const CandidateView& candidate : view.candidates) {
    count += LastWord(*run.store.GetSource(candidate.proposed.source_hash)) == "e13" &&
             candidate.evaluation &&
             std::holds_alternative<CompileFailed>(candidate.evaluation->outcome);
  }
  return count;
}

TEST(EngineNovelty, DoesNotProposeTheEditThatFailedAgain) {
  ToyProposer proposer;
  NovelRun with(proposer), without(proposer);
  without.novel = false;
  EXPECT_GT(Repetitions(without, without.Go()), 4);
  const RunView view = with.Go();
  // Those in flight with the first one did not know.
  EXPECT_GE(Repetitions(with, view), 1);
  EXPECT_LE(Repetitions(with, view), 4);
}

TEST(EngineNovelty, RecordsARefusedAnswerOfASlowProposerWithoutEvaluation) {
  SlowToy proposer;
  NovelRun run(proposer);
  const RunView view = run.Go();
  EXPECT_LE(Repetitions(run, view), 4);
  int refused = 0;
  for (const CandidateView& candidate : view.candidates) {
    const auto* const outcome =
        candidate.evaluation ? std::get_if<Rejected>(&candidate.evaluation->outcome) : nullptr;
    if (outcome == nullptr || outcome->rule != "near_copy") continue;
    ++refused;
    EXPECT_TRUE(candidate.proposed.refused);
    EXPECT_NE(outcome->evidence.find("a near copy of c"), std::string::npos);
  }
  EXPECT_GT(refused, 0);
}

TEST(EngineNovelty, OneWorkerAndEightRefuseTheSame) {
  SlowToy proposer;
  NovelRun one(proposer, 1), eight(proposer, 8);
  eight.evaluator.JitterArrivals();
  one.Go();
  eight.Go();
  EXPECT_EQ(one.hash, eight.hash);
}

// Learns a word whenever it is asked.
class LearningNovelty final : public Novelty {
 public:
  void Note(const Member&, std::string_view) override {}
  std::optional<CandidateId> NearCopyOf(std::string_view source, const Member&) const override {
    learnt_ += "learnt " + LastWord(source) + "\n";
    return std::nullopt;
  }
  std::string TakeRecord() override { return std::exchange(learnt_, {}); }

 private:
  mutable std::string learnt_;
};

TEST(EngineNovelty, WhatItLearntIsRecordedWithTheStep) {
  ToyProposer fast;
  SlowToy slow;
  for (Proposer* proposer : {static_cast<Proposer*>(&fast), static_cast<Proposer*>(&slow)}) {
    NovelRun run(*proposer);
    EngineParts parts = run.Parts();
    LearningNovelty learning;
    parts.novelty = &learning;
    ASSERT_TRUE(RunSearch(run.config, run.identity, parts, {}).ok());
    const RunView view = *FoldEvents(*run.store.Read(0));
    int steps = 0;
    for (const CandidateView& candidate : view.candidates) {
      const std::string& key = candidate.proposed.novelty_record;
      if (candidate.proposed.skill == "seed" || candidate.proposed.skill == "baseline_flags") {
        EXPECT_TRUE(key.empty());
        continue;
      }
      if (candidate.proposed.refused) continue;
      ++steps;
      const Result<std::string> learnt = run.store.GetSource(key);
      ASSERT_TRUE(learnt.ok()) << learnt.error().message;
      EXPECT_NE(
          learnt->find("learnt " + LastWord(*run.store.GetSource(candidate.proposed.source_hash))),
          std::string::npos);
    }
    EXPECT_GT(steps, 20);
  }
}

TEST(EngineNovelty, ReplaysToTheSameArchive) {
  ToyProposer fast;
  SlowToy slow;
  for (Proposer* proposer : {static_cast<Proposer*>(&fast), static_cast<Proposer*>(&slow)}) {
    NovelRun run(*proposer);
    run.Go();
    GridArchive recorded(SearchConfig{}), replayed(SearchConfig{});
    EngineParts parts{run.evaluator, *proposer, recorded, run.store, run.clock, {}, {}, {}};
    SameLastEdit again;
    parts.novelty = &again;
    const Result<ReplayReport> report = ReplaySearch(run.config, run.identity, parts, replayed, {});
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_TRUE(report->same) << report->first_difference;
  }
}

}  // namespace
}  // namespace ks
