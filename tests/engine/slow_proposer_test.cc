// Proposers that wait for a server: asked from other threads, recorded in the order of steps.
#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "archive/cpu_descriptor.h"
#include "archive/grid_archive.h"
#include "core/run_view.h"
#include "engine/engine.h"
#include "store/memory_store.h"
#include "tests/engine/doubles.h"

namespace ks {
namespace {

// Says what ToyProposer says, from another thread, in scrambled order of arrival; some answers have
// no code, and from one step on the server fails.
class ToyServer final : public Proposer {
 public:
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override {
    if (jitter) {
      std::this_thread::sleep_for(
          std::chrono::microseconds(Fnv1a64(std::to_string(context.seed)) % 3000));
    }
    {
      const std::lock_guard lock(mutex_);
      asked_.insert(context.step);
    }
    if (fails.contains(context.step)) return failure;
    if (context.step % 9 == 5) {
      Proposal refused;
      refused.skill = "toy-model";
      refused.refused = Rejected{"no_code", "the answer has no code"};
      refused.cost_usd = 0.25;
      return std::optional(std::move(refused));
    }
    KS_ASSIGN_OR_RETURN(std::optional<Proposal> proposal, toy_.Propose(context, std::move(stop)));
    if (!proposal) return proposal;
    proposal->skill = "toy-model";
    proposal->cost_usd = 0.5;
    proposal->prompt_tokens = 100;
    proposal->answer_tokens = 10;
    proposal->model = "toy-1";
    proposal->exchange = "e1";
    return proposal;
  }
  bool slow() const override { return true; }

  size_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }

  bool jitter = false;
  std::set<int64_t> fails;
  Error failure{ErrorCode::kUnavailable, "connection refused"};

 private:
  mutable std::mutex mutex_;
  std::set<int64_t> asked_;
  ToyProposer toy_{8};  // few edits: two steps in flight often propose the same
};

struct ServedRun {
  explicit ServedRun(int in_flight, int workers, int64_t steps) {
    config.in_flight = in_flight;
    config.workers = workers;
    config.max_steps = steps;
    config.seed = 7;
  }
  EngineParts Parts(Store& into) {
    return {evaluator, server, archive, into, clock, {}, {}, {"seed", "seed -O3"}};
  }
  Result<RunEnd> Go(std::stop_token stop = {}) {
    return RunSearch(config, identity, Parts(store), std::move(stop));
  }
  RunView View() const { return *FoldEvents(*store.Read(0)); }

  RunConfig config;
  RunIdentity identity{"run", "test", "{}", "h"};
  ToyEvaluator evaluator;
  ToyServer server;
  GridArchive archive{SearchConfig{}, CpuDescriptorAxes()};
  MemoryStore store;
  SystemClock clock;
};

// Everything about the candidates but for when and how long.
std::string Essence(const RunView& view) {
  std::string essence;
  for (CandidateView candidate : view.candidates) {
    candidate.proposed.propose_seconds = 0;
    Event event;
    event.body = candidate.proposed;
    essence += EventToJson(event);
    if (candidate.evaluation) essence += EvaluationToJson(*candidate.evaluation);
    essence += '\n';
  }
  return essence;
}

TEST(SlowProposer, OneWorkerAndEightMakeTheSameRun) {
  ServedRun one(8, 1, 120);
  ServedRun eight(8, 8, 120);
  eight.server.jitter = true;
  eight.evaluator.JitterArrivals();
  const Result<RunEnd> first = one.Go();
  const Result<RunEnd> second = eight.Go();
  ASSERT_TRUE(first.ok()) << first.error().message;
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(first->reason, "steps");
  EXPECT_EQ(first->steps, 120);
  EXPECT_EQ(first->archive_hash, second->archive_hash);
  EXPECT_EQ(Essence(one.View()), Essence(eight.View()));
}

TEST(SlowProposer, WhatRepeatsAStepInFlightIsItsDuplicate) {
  ServedRun run(8, 4, 120);
  run.server.jitter = true;
  ASSERT_TRUE(run.Go().ok());
  const RunView view = run.View();
  std::map<std::string, CandidateId> first;
  int duplicates = 0;
  for (const CandidateView& candidate : view.candidates) {
    if (candidate.proposed.refused) continue;
    const CandidateId id = candidate.proposed.id;
    const auto [known, is_new] = first.emplace(candidate.proposed.source_hash, id);
    const auto* duplicate = std::get_if<DuplicateOf>(&candidate.evaluation->outcome);
    ASSERT_EQ(duplicate != nullptr, !is_new) << id;
    if (duplicate == nullptr) continue;
    EXPECT_EQ(duplicate->id, known->second);
    EXPECT_LE(id - duplicate->id, 8);  // older ones it could know
    ++duplicates;
  }
  EXPECT_GT(duplicates, 0);
}

TEST(SlowProposer, ARefusedProposalIsAFailedCandidateThatNobodyEvaluated) {
  ServedRun run(4, 2, 40);
  ASSERT_TRUE(run.Go().ok());
  const RunView view = run.View();
  int refused = 0, evaluated = 0;
  for (const CandidateView& candidate : view.candidates) {
    ASSERT_TRUE(candidate.evaluation.has_value());
    if (!candidate.proposed.refused) {
      evaluated += std::holds_alternative<DuplicateOf>(candidate.evaluation->outcome) ? 0 : 1;
      continue;
    }
    ++refused;
    EXPECT_EQ(std::get<Rejected>(candidate.evaluation->outcome).rule, "no_code");
    ASSERT_TRUE(candidate.proposed.use.has_value());
    EXPECT_EQ(candidate.proposed.use->cost_usd, 0.25);
  }
  EXPECT_EQ(refused, 5);  // steps 5, 14, 23, 32, 41
  EXPECT_GE(run.evaluator.calls(), evaluated);
  EXPECT_EQ(view.candidates[3].proposed.use->model, "toy-1");
}

TEST(SlowProposer, ReplaysWithoutTheServer) {
  ServedRun run(8, 4, 60);
  run.server.jitter = true;
  ASSERT_TRUE(run.Go().ok());
  GridArchive recorded(SearchConfig{}, CpuDescriptorAxes());
  GridArchive replayed(SearchConfig{}, CpuDescriptorAxes());
  ToyServer gone;
  EngineParts parts{run.evaluator, gone, recorded, run.store, run.clock, {}, {}, {}};
  const Result<ReplayReport> report = ReplaySearch(run.config, run.identity, parts, replayed, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->same) << report->first_difference;
  EXPECT_EQ(report->replayed_hash, run.archive.Hash());
  EXPECT_EQ(gone.asked(), 0u);
}

TEST(SlowProposer, ASpentBudgetEndsTheRunAndNothingPaidIsLost) {
  ServedRun whole(4, 2, 60);
  ASSERT_TRUE(whole.Go().ok());
  for (const bool jitter : {false, true}) {
    ServedRun run(4, 2, 60);
    run.server.jitter = jitter;
    run.server.fails = {30, 32, 33, 34, 35};  // the budget held for one question more
    run.server.failure = Error{ErrorCode::kResourceExhausted, "5 USD are spent"};
    const Result<RunEnd> end = run.Go();
    ASSERT_TRUE(end.ok()) << end.error().message;
    EXPECT_EQ(end->reason, "budget");
    const RunView view = run.View();
    EXPECT_EQ(view.stop_reason, "budget");
    for (const CandidateView& candidate : view.candidates) {
      EXPECT_TRUE(candidate.evaluation.has_value()) << candidate.proposed.id;
    }
    // Step 31 may or may not have begun before 30 failed.
    if (view.candidates.size() > 31) {
      EXPECT_EQ(view.candidates.size(), 32u);
      EXPECT_EQ(std::get<Rejected>(view.candidates[30].evaluation->outcome).rule, "no_answer");
    } else {
      EXPECT_EQ(view.candidates.size(), 30u);
    }
    const size_t before = view.candidates.size();
    run.server.fails.clear();
    GridArchive again(SearchConfig{}, CpuDescriptorAxes());
    EngineParts parts{run.evaluator, run.server, again, run.store,
                      run.clock,     {},         {},    {"seed", "seed -O3"}};
    const Result<RunEnd> resumed = RunSearch(run.config, run.identity, parts, {});
    ASSERT_TRUE(resumed.ok()) << resumed.error().message;
    EXPECT_EQ(resumed->reason, "steps");
    EXPECT_EQ(run.View().candidates.size(), 62u);
    if (before == 30) {
      EXPECT_EQ(Essence(run.View()), Essence(whole.View()));
    }
  }
}

TEST(SlowProposer, AServerThatIsGoneEndsTheRunWithItsError) {
  ServedRun run(4, 2, 60);
  for (int64_t step = 20; step < 60; ++step) run.server.fails.insert(step);
  const Result<RunEnd> end = run.Go();
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(end.error().message, "proposing c20: connection refused");
  const RunView view = run.View();
  EXPECT_EQ(view.candidates.size(), 20u);
  EXPECT_EQ(view.evaluations, 20);
  EXPECT_EQ(view.stop_reason, "error: proposing c20: connection refused");
}

TEST(SlowProposer, AResumedRunIsTheRunThatWasNotCut) {
  ServedRun whole(4, 2, 40);
  ASSERT_TRUE(whole.Go().ok());
  const std::vector<Event> events = *whole.store.Read(0);
  for (size_t cut = 5; cut + 1 < events.size(); cut += 6) {
    ServedRun resumed(4, 2, 40);
    for (size_t i = 0; i < cut; ++i) {
      if (const auto* p = std::get_if<CandidateProposed>(&events[i].body)) {
        ASSERT_TRUE(resumed.store.PutSource(*whole.store.GetSource(p->source_hash)).ok());
      }
      // A refusal is recorded together with its proposal.
      const auto* p = std::get_if<CandidateProposed>(&events[i].body);
      if (p != nullptr && p->refused && i + 1 == cut) continue;
      ASSERT_TRUE(resumed.store.Append(events[i]).ok());
    }
    const Result<RunEnd> end = resumed.Go();
    ASSERT_TRUE(end.ok()) << "cut at " << cut << ": " << end.error().message;
    EXPECT_EQ(Essence(resumed.View()), Essence(whole.View())) << "cut at " << cut;
  }
}

// Shows nothing but a parent to the test.
class LookingServer final : public Proposer {
 public:
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override {
    EXPECT_EQ(context.lineage.front()->id, context.selection.parent->id);
    EXPECT_LE(context.lineage.size(), ProposalContext::kMostLineage);
    for (size_t i = 0; i + 1 < context.lineage.size(); ++i) {
      EXPECT_EQ(context.lineage[i]->parent, context.lineage[i + 1]->id);
    }
    EXPECT_LE(context.failures.size(), ProposalContext::kMostFailures);
    for (const MemberPtr& failure : context.failures) EXPECT_EQ(failure->measured(), nullptr);
    failures_shown += static_cast<int>(context.failures.size());
    return toy.Propose(context, std::move(stop));
  }
  std::atomic<int> failures_shown = 0;
  ToyProposer toy;
};

TEST(SlowProposer, SeesItsLineageAndTheFailuresNotToRepeat) {
  ServedRun run(2, 2, 60);
  LookingServer looking;
  const EngineParts parts{run.evaluator, looking, run.archive, run.store,
                          run.clock,     {},      {},          {"seed"}};
  ASSERT_TRUE(RunSearch(run.config, run.identity, parts, {}).ok());
  EXPECT_GT(looking.failures_shown, 0);
}

// Takes everything that ends with the same edit as a failed candidate for a near copy of it.
class LastWordNovelty final : public Novelty {
 public:
  void Note(const Member& member, std::string_view source) override {
    EXPECT_GT(member.id, last_) << "in the order of steps";
    EXPECT_FALSE(source.empty()) << "an answer without code is no program";
    last_ = member.id;
    if (member.measured() == nullptr) failed_.emplace(LastWord(source), member.id);
  }
  std::optional<CandidateId> NearCopyOf(std::string_view source, const Member&) const override {
    const auto found = failed_.find(LastWord(source));
    return found == failed_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  static std::string LastWord(std::string_view source) {
    return std::string(SplitWords(source).back());
  }
  CandidateId last_ = kNoCandidate;
  std::map<std::string, CandidateId> failed_;
};

TEST(SlowProposer, NearCopiesOfWhatFailedAreRefusedWhoeverAnswersFirst) {
  std::vector<std::string> essences;
  for (const bool jitter : {false, true}) {
    ServedRun run(6, jitter ? 4 : 1, 80);
    run.server.jitter = jitter;
    LastWordNovelty novelty;
    EngineParts parts = run.Parts(run.store);
    parts.novelty = &novelty;
    const Result<RunEnd> end = RunSearch(run.config, run.identity, parts, {});
    ASSERT_TRUE(end.ok()) << end.error().message;
    int copies = 0;
    for (const CandidateView& candidate : run.View().candidates) {
      const auto* rejected = std::get_if<Rejected>(&candidate.evaluation->outcome);
      if (rejected != nullptr && rejected->rule == "near_copy") ++copies;
    }
    EXPECT_GT(copies, 0);
    essences.push_back(Essence(run.View()));
  }
  EXPECT_EQ(essences[0], essences[1]);
}

TEST(SlowProposer, AStopRequestReachesTheServersThreadAndKeepsWhatWasAnswered) {
  ServedRun run(4, 2, 1000);
  std::stop_source source;
  struct Stopper final : Observer {
    void OnEvent(const Event& event) override {
      const auto* p = std::get_if<CandidateProposed>(&event.body);
      if (p != nullptr && p->id == 25) source->request_stop();
    }
    std::stop_source* source = nullptr;
  } stopper;
  stopper.source = &source;
  EngineParts parts = run.Parts(run.store);
  parts.observers = {&stopper};
  const Result<RunEnd> end = RunSearch(run.config, run.identity, parts, source.get_token());
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->reason, "interrupted");
  EXPECT_LT(run.View().candidates.size(), 500u) << "observers hear of a step within milliseconds";
  EXPECT_EQ(run.View().candidates.size(), static_cast<size_t>(run.View().evaluations));
}

}  // namespace
}  // namespace ks
