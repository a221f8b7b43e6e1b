#include "engine/engine.h"

#include <gtest/gtest.h>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "core/run_view.h"
#include "store/memory_store.h"
#include "tests/engine/doubles.h"
#include "tests/store/faulty_store.h"

namespace ks {
namespace {

class ToyRun {
 public:
  explicit ToyRun(int jobs, int64_t steps) {
    config.in_flight = config.workers = jobs;
    config.max_steps = steps;
    config.seed = 7;
  }
  EngineParts Parts(Store& into) {
    return {evaluator, proposer, archive, into, clock, {}, {}, {"seed", "seed -O3", "seed e13"}};
  }
  Result<RunEnd> Go(std::stop_token stop = {}) {
    return RunSearch(config, identity, Parts(store), std::move(stop));
  }

  RunConfig config;
  RunIdentity identity{"run", "test", "{}", "h"};
  ToyEvaluator evaluator;
  ToyProposer proposer;
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  MemoryStore store;
  FakeClock clock;
};

std::vector<std::string> ProposedHashes(const Store& store) {
  std::vector<std::string> hashes;
  const Result<std::vector<Event>> events = store.Read(0);
  for (const Event& event : *events) {
    if (const auto* p = std::get_if<CandidateProposed>(&event.body))
      hashes.push_back(p->source_hash);
  }
  return hashes;
}

TEST(Engine, FindsFasterKernelsAndStopsAtTheStepLimit) {
  ToyRun run(2, 60);
  const Result<RunEnd> end = run.Go();
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->reason, "steps");
  EXPECT_EQ(end->steps, 60);
  const Result<RunView> view = FoldEvents(*run.store.Read(0));
  ASSERT_TRUE(view.ok());
  EXPECT_GT(view->SpeedupOf(view->best).mid, 1.5);
  EXPECT_EQ(view->evaluations, 63);
}

TEST(Engine, ArrivalOrderDoesNotChangeTheSearch) {
  ToyRun steady(4, 80);
  ToyRun jittery(4, 80);
  jittery.evaluator.JitterArrivals();
  ASSERT_TRUE(steady.Go().ok());
  ASSERT_TRUE(jittery.Go().ok());
  EXPECT_EQ(ProposedHashes(steady.store), ProposedHashes(jittery.store));
  EXPECT_EQ(steady.archive.Hash(), jittery.archive.Hash());
}

TEST(Engine, ResumesWithoutMeasuringAnythingTwice) {
  ToyRun whole(2, 50);
  ASSERT_TRUE(whole.Go().ok());
  // Cut the record at every fourth event, as a kill would, and resume.
  const std::vector<Event> events = *whole.store.Read(0);
  for (size_t cut = 3; cut + 1 < events.size(); cut += 4) {
    ToyRun resumed(2, 50);
    int recorded = 0;
    for (size_t i = 0; i < cut; ++i) {
      if (const auto* p = std::get_if<CandidateProposed>(&events[i].body)) {
        ASSERT_TRUE(resumed.store.PutSource(*whole.store.GetSource(p->source_hash)).ok());
      }
      if (std::holds_alternative<CandidateEvaluated>(events[i].body)) ++recorded;
      ASSERT_TRUE(resumed.store.Append(events[i]).ok());
    }
    const Result<RunEnd> end = resumed.Go();
    ASSERT_TRUE(end.ok()) << "cut at " << cut << ": " << end.error().message;
    EXPECT_EQ(ProposedHashes(resumed.store), ProposedHashes(whole.store)) << "cut at " << cut;
    EXPECT_EQ(resumed.archive.Hash(), whole.archive.Hash()) << "cut at " << cut;
    EXPECT_EQ(resumed.evaluator.calls() + recorded, whole.evaluator.calls()) << "cut at " << cut;
  }
}

TEST(Engine, ReplayProvesTheSameArchive) {
  ToyRun run(3, 40);
  ASSERT_TRUE(run.Go().ok());
  GridArchive recorded(SearchConfig{}, CpuDescriptorAxes());
  GridArchive replayed(SearchConfig{}, CpuDescriptorAxes());
  EngineParts parts{run.evaluator, run.proposer, recorded, run.store, run.clock, {}, {}, {}};
  const Result<ReplayReport> report = ReplaySearch(run.config, run.identity, parts, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->same) << report->first_difference;
  EXPECT_EQ(report->proposals, 43);
  EXPECT_EQ(report->recorded_hash, run.archive.Hash());
}

// Notes what it is told of skills; proposes as the toy does, preferring what other runs held.
class SkilledProposer final : public Proposer {
 public:
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override {
    told.push_back(context.skills);
    ProposalContext other = context;
    const auto known = context.skills.find("other");
    if (known != context.skills.end()) other.seed += static_cast<uint64_t>(known->second.held);
    return toy_.Propose(other, std::move(stop));
  }
  std::vector<std::map<std::string, SkillRecord>> told;

 private:
  ToyProposer toy_;
};

TEST(Engine, BeginsWithTheSkillsOfOtherRunsAndReplaysWithThem) {
  ToyRun run(2, 30);
  run.identity.prior_skills = "9 8 7 0x1p+0 other\n";
  SkilledProposer proposer;
  EngineParts parts = run.Parts(run.store);
  EngineParts skilled{run.evaluator, proposer, run.archive, run.store,
                      run.clock,     {},       {},          parts.baseline_variants};
  ASSERT_TRUE(RunSearch(run.config, run.identity, skilled, {}).ok());
  EXPECT_EQ(proposer.told.front().at("other").held, 7);
  EXPECT_EQ(proposer.told.front().size(), 1u);
  EXPECT_EQ(proposer.told.back().at("other").tried, 9);
  EXPECT_GT(proposer.told.back().size(), 1u);
  // The record has them: neither a replay nor a resume needs to be told.
  GridArchive recorded(SearchConfig{}, CpuDescriptorAxes());
  GridArchive replayed(SearchConfig{}, CpuDescriptorAxes());
  EngineParts again{run.evaluator, proposer, recorded, run.store, run.clock, {}, {}, {}};
  const RunIdentity forgetful{"run", "test", "{}", "h"};
  const Result<ReplayReport> report = ReplaySearch(run.config, forgetful, again, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->same) << report->first_difference;
  run.config.max_steps = 40;
  GridArchive more(SearchConfig{}, CpuDescriptorAxes());
  EngineParts resumed{run.evaluator, proposer, more, run.store,
                      run.clock,     {},       {},   parts.baseline_variants};
  proposer.told.clear();
  ASSERT_TRUE(RunSearch(run.config, forgetful, resumed, {}).ok());
  EXPECT_EQ(proposer.told.front().at("other").held, 7);
}

TEST(Engine, SkillsOfOtherRunsThatCannotBeReadAreRefused) {
  ToyRun run(2, 3);
  run.identity.prior_skills = "many tries of tile\n";
  const Result<RunEnd> end = run.Go();
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kDataLoss);
}

TEST(Engine, ReplayNoticesAnotherProposer) {
  ToyRun run(1, 30);
  ASSERT_TRUE(run.Go().ok());
  GridArchive recorded(SearchConfig{}, CpuDescriptorAxes());
  GridArchive replayed(SearchConfig{}, CpuDescriptorAxes());
  ToyProposer other(11);
  EngineParts parts{run.evaluator, other, recorded, run.store, run.clock, {}, {}, {}};
  const Result<ReplayReport> report = ReplaySearch(run.config, run.identity, parts, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->same);
  EXPECT_FALSE(report->first_difference.empty());
}

TEST(Engine, StopsWhenNothingIsLeftToPropose) {
  ToyRun run(2, 0);
  ToyProposer few(3);
  const EngineParts parts{run.evaluator, few, run.archive, run.store, run.clock, {}, {}, {"seed"}};
  const Result<RunEnd> end = RunSearch(run.config, run.identity, parts, {});
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->reason, "exhausted");
  EXPECT_GE(end->steps, 3);
}

TEST(Engine, AStopRequestEndsTheRunAndItCanBeResumed) {
  ToyRun run(2, 50);
  std::stop_source source;
  source.request_stop();
  const Result<RunEnd> stopped = run.Go(source.get_token());
  EXPECT_FALSE(stopped.ok());  // before the seed was evaluated there is nothing to report
  EXPECT_EQ(run.evaluator.calls(), 0);
  const Result<RunEnd> end = run.Go();
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->reason, "steps");
}

// Requests a stop as soon as the first result was recorded.
class StopAtFirstResult final : public Observer {
 public:
  void OnEvent(const Event& event) override {
    if (std::holds_alternative<CandidateEvaluated>(event.body)) source.request_stop();
  }
  std::stop_source source;
};

TEST(Engine, AnInterruptAmongTheProbesLeavesTheBaselineToTheResumedRun) {
  ToyRun whole(2, 20);
  ASSERT_TRUE(whole.Go().ok());
  ToyRun run(2, 20);
  StopAtFirstResult stopper;
  EngineParts parts = run.Parts(run.store);
  parts.observers = {&stopper};
  const Result<RunEnd> stopped =
      RunSearch(run.config, run.identity, parts, stopper.source.get_token());
  ASSERT_TRUE(stopped.ok()) << stopped.error().message;
  EXPECT_EQ(stopped->reason, "interrupted");
  const std::vector<Event> events = *run.store.Read(0);
  for (const Event& event : events) {
    EXPECT_FALSE(std::holds_alternative<BaselineChosen>(event.body));
  }
  ASSERT_TRUE(run.Go().ok());
  EXPECT_EQ(ProposedHashes(run.store), ProposedHashes(whole.store));
  EXPECT_EQ(run.archive.Hash(), whole.archive.Hash());
}

TEST(Engine, ABadSeedIsTheUsersErrorWithItsReason) {
  ToyRun run(1, 10);
  const EngineParts parts{run.evaluator, run.proposer, run.archive, run.store,
                          run.clock,     {},           {},          {"seed e13"}};
  const Result<RunEnd> end = RunSearch(run.config, run.identity, parts, {});
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(end.error().message.find("does not compile"), std::string::npos);
}

TEST(Engine, AnEvaluatorFaultStopsTheRunAndNothingRecordedIsLost) {
  ToyRun run(2, 50);
  run.evaluator.FailAt(20);
  const Result<RunEnd> failed = run.Go();
  ASSERT_FALSE(failed.ok());
  const Result<RunView> view = FoldEvents(*run.store.Read(0));
  ASSERT_TRUE(view.ok());
  EXPECT_NE(view->stop_reason.find("sandbox went away"), std::string::npos);
  EXPECT_GE(view->evaluations, 18);
  ToyRun resumed(2, 50);
  const EngineParts parts = resumed.Parts(run.store);
  const Result<RunEnd> end = RunSearch(resumed.config, resumed.identity, parts, {});
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->reason, "steps");
}

// Whatever was tried after a failure is a copy of it.
class FailuresOnly final : public Novelty {
 public:
  void Note(const Member& member, std::string_view source) override {
    if (member.measured() == nullptr) failed.emplace_back(source, member.id);
  }
  std::optional<CandidateId> NearCopyOf(std::string_view source, const Member&) const override {
    ++asked;
    for (const auto& [text, id] : failed) {
      if (source.substr(0, text.size()) == text) return id;
    }
    return std::nullopt;
  }
  std::vector<std::pair<std::string, CandidateId>> failed;
  mutable int asked = 0;
};

TEST(Engine, ANearCopyOfAFailureIsNotProposedAndTheRunReplays) {
  ToyRun run(2, 60);
  run.config.search.repair_probability = 0.5;  // children of failures
  FailuresOnly novelty, again;
  GridArchive searched(run.config.search, CpuDescriptorAxes());
  const EngineParts parts{run.evaluator, run.proposer, searched, run.store,
                          run.clock,     {},           {},       {"seed", "seed -O3", "seed e13"},
                          &novelty};
  ASSERT_TRUE(RunSearch(run.config, run.identity, parts, {}).ok());
  EXPECT_GT(novelty.asked, 60);
  std::map<CandidateId, std::string> sources;
  const std::vector<Event> events = *run.store.Read(0);
  for (const Event& event : events) {
    const auto* p = std::get_if<CandidateProposed>(&event.body);
    if (p == nullptr) continue;
    sources[p->id] = *run.store.GetSource(p->source_hash);
    for (const auto& [text, id] : novelty.failed) {
      if (id >= p->id - run.config.in_flight || p->id < 3) continue;
      EXPECT_NE(sources[p->id].substr(0, text.size()), text) << p->id << " after " << id;
    }
  }
  GridArchive recorded(run.config.search, CpuDescriptorAxes());
  GridArchive replayed(run.config.search, CpuDescriptorAxes());
  EngineParts replay{run.evaluator, run.proposer, recorded, run.store, run.clock, {}, {}, {},
                     &again};
  const Result<ReplayReport> report = ReplaySearch(run.config, run.identity, replay, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->same) << report->first_difference;
}

TEST(Engine, RefusesARecordOfAnotherTask) {
  ToyRun run(1, 5);
  ASSERT_TRUE(run.Go().ok());
  ToyRun other(1, 5);
  other.evaluator.mutable_task().hash = "changed";
  const EngineParts parts = other.Parts(run.store);
  const Result<RunEnd> end = RunSearch(other.config, other.identity, parts, {});
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kFailedPrecondition);
}

TEST(Engine, AStoreThatFailsStopsTheRunWithItsError) {
  // Eight commits up to the choice of the baseline; then events share commits, but not thousands.
  for (int failing = 1; failing <= 10; ++failing) {
    ToyRun run(2, failing < 9 ? 20 : 3000);
    FaultyStore store(run.store);
    store.FailFrom(failing, Error{ErrorCode::kResourceExhausted, "disk full"});
    const EngineParts parts = run.Parts(store);
    const Result<RunEnd> end = RunSearch(run.config, run.identity, parts, {});
    ASSERT_FALSE(end.ok()) << failing;
    EXPECT_EQ(end.error().code, ErrorCode::kResourceExhausted) << failing;
  }
}

}  // namespace
}  // namespace ks
