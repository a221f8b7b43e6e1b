#include "core/run_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/sample_events.h"

namespace ks {
namespace {

// Builds the record of a run event by event.
class Record {
 public:
  template <typename Body>
  Record& Add(Body body) {
    const auto n = static_cast<int64_t>(events_.size()) + 1;
    events_.push_back({n, 1000 * n, static_cast<double>(n), std::move(body)});
    return *this;
  }
  Record& Start() { return Add(RunStarted{.run_id = "r", .task = "matmul"}); }
  Record& Propose(CandidateId id, CandidateId parent) {
    return Add(CandidateProposed{.id = id, .step = id, .parent = parent});
  }
  Record& Judge(CandidateId id, Outcome outcome) {
    return Add(CandidateEvaluated{.id = id, .evaluation = {.outcome = std::move(outcome)}});
  }
  Record& Measure(CandidateId id, Interval speedup) {
    return Judge(id, Measured{.speedup = speedup});
  }
  Result<RunView> Fold() const { return FoldEvents(events_); }
  RunView MustFold() const {
    Result<RunView> view = Fold();
    if (!view.ok()) std::fprintf(stderr, "%s\n", view.error().message.c_str());
    KS_CHECK(view.ok());
    return *std::move(view);
  }
  // The message of the data loss that this record is.
  std::string Fault() const {
    const Result<RunView> view = Fold();
    if (view.ok()) return "(no fault)";
    EXPECT_EQ(view.error().code, ErrorCode::kDataLoss);
    return view.error().message;
  }

 private:
  std::vector<Event> events_;
};

// The seed (1), two flag probes (4 and 2 over the seed), the first of them chosen, two steps.
Record Evolved() {
  Record record;
  record.Start()
      .Propose(0, kNoCandidate)
      .Measure(0, {1, 1, 1})
      .Propose(1, 0)
      .Measure(1, {3.9, 4, 4.1})
      .Propose(2, 0)
      .Measure(2, {1.9, 2, 2.1})
      .Add(BaselineChosen{1})
      .Propose(3, 1)
      .Measure(3, {1.4, 1.5, 1.6})
      .Propose(4, 3)
      .Measure(4, {2.8, 3, 3.2});
  return record;
}

void ExpectInterval(const Interval& got, const Interval& want) {
  EXPECT_DOUBLE_EQ(got.low, want.low);
  EXPECT_DOUBLE_EQ(got.mid, want.mid);
  EXPECT_DOUBLE_EQ(got.high, want.high);
}

TEST(FoldEvents, BeginsWithTheStartOfTheRun) {
  EXPECT_EQ(FoldEvents({}).error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(Record().Propose(0, kNoCandidate).Fault(),
            "the record does not begin with the start of a run");
  const RunView view = Record().Start().MustFold();
  EXPECT_EQ(view.started.task, "matmul");
  EXPECT_EQ(view.started_unix_ms, 1000);
  EXPECT_EQ(view.best, kNoCandidate);
  EXPECT_EQ(view.baseline, kNoCandidate);
  EXPECT_TRUE(view.candidates.empty());
}

TEST(FoldEvents, TheBestHasTheHighestLowerBoundNotTheHighestMean) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {1, 1, 1})
                           .Propose(1, 0)
                           .Measure(1, {1.5, 2, 3})
                           .Propose(2, 0)
                           .Measure(2, {1.8, 1.9, 2})
                           .MustFold();
  EXPECT_EQ(view.best, 2);
}

TEST(FoldEvents, TheFirstOfTwoEqualOnesStaysBest) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {1, 1, 1})
                           .Propose(1, 0)
                           .Measure(1, {1, 2, 3})
                           .MustFold();
  EXPECT_EQ(view.best, 0);
}

TEST(FoldEvents, ASpeedupThatIsNoNumberIsNeverBest) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {NAN, NAN, NAN})
                           .Propose(1, 0)
                           .Measure(1, {0.5, 0.6, 0.7})
                           .MustFold();
  EXPECT_EQ(view.best, 1);
}

TEST(FoldEvents, FailedCandidatesAreCountedButNeverBest) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {1, 1, 1})
                           .Propose(1, 0)
                           .Judge(1, WrongResult{})
                           .Propose(2, 0)
                           .Judge(2, WrongResult{})
                           .Propose(3, 0)
                           .Judge(3, DuplicateOf{0})
                           .Propose(4, 0)
                           .MustFold();
  EXPECT_EQ(view.best, 0);
  EXPECT_EQ(view.evaluations, 4);
  EXPECT_EQ(view.outcomes,
            (std::map<std::string, int>{{"duplicate", 1}, {"measured", 1}, {"wrong_result", 2}}));
  ASSERT_EQ(view.candidates.size(), 5u);
  EXPECT_FALSE(view.candidates[4].evaluation.has_value()) << "in flight";
}

TEST(FoldEvents, ResultsMayArriveInAnyOrder) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {1, 1, 1})
                           .Propose(1, 0)
                           .Propose(2, 0)
                           .Measure(2, {2, 2, 2})
                           .Judge(1, DuplicateOf{2})
                           .MustFold();
  EXPECT_EQ(view.best, 2);
  EXPECT_EQ(view.evaluations, 3);
  EXPECT_DOUBLE_EQ(view.candidates[2].elapsed_s, 6);
  EXPECT_DOUBLE_EQ(view.candidates[1].elapsed_s, 7);
}

TEST(FoldEvents, TheBaselineIsBestUntilACandidateBeatsIt) {
  Record record;
  record.Start()
      .Propose(0, kNoCandidate)
      .Measure(0, {1, 1, 1})
      .Propose(1, 0)
      .Measure(1, {3.9, 4, 4.1})
      .Add(BaselineChosen{1});
  EXPECT_EQ(record.MustFold().best, 1);
  record.Propose(2, 1).Measure(2, {0.9, 0.95, 1});
  EXPECT_EQ(record.MustFold().best, 1) << "3.9 of the seed's scale is not above 0.9 of the new one";
  record.Propose(3, 1).Measure(3, {1.01, 1.1, 1.2});
  EXPECT_EQ(record.MustFold().best, 3);
}

TEST(RunView, SpeedupOfIsOnTheBaselinesScaleForAll) {
  const RunView view = Evolved().MustFold();
  EXPECT_EQ(view.baseline, 1);
  EXPECT_EQ(view.best, 4);
  ExpectInterval(view.SpeedupOf(0), {0.25, 0.25, 0.25});
  ExpectInterval(view.SpeedupOf(1), {1, 1, 1});
  ExpectInterval(view.SpeedupOf(2), {1.9 / 4, 0.5, 2.1 / 4});
  ExpectInterval(view.SpeedupOf(3), {1.4, 1.5, 1.6});
}

TEST(RunView, SpeedupOverSeedIsAsMeasuredForProbesAndAddsUncertaintyForTheOthers) {
  const RunView view = Evolved().MustFold();
  ExpectInterval(view.SpeedupOverSeed(0), {1, 1, 1});
  ExpectInterval(view.SpeedupOverSeed(1), {3.9, 4, 4.1});
  ExpectInterval(view.SpeedupOverSeed(2), {1.9, 2, 2.1});
  ExpectInterval(view.SpeedupOverSeed(4), {2.8 * 3.9, 12, 3.2 * 4.1});
}

TEST(RunView, WithoutABaselineBothAreAsMeasured) {
  const RunView view = Record()
                           .Start()
                           .Propose(0, kNoCandidate)
                           .Measure(0, {1, 1, 1})
                           .Propose(1, 0)
                           .Measure(1, {3.9, 4, 4.1})
                           .MustFold();
  ExpectInterval(view.SpeedupOf(1), {3.9, 4, 4.1});
  ExpectInterval(view.SpeedupOverSeed(1), {3.9, 4, 4.1});
}

TEST(RunView, WhatWasNotMeasuredHasNoSpeedup) {
  Record record = Evolved();
  record.Propose(5, 4).Judge(5, Crashed{}).Propose(6, 4);
  const RunView view = record.MustFold();
  for (const CandidateId id : {5, 6, 7, -1, 1000}) {
    EXPECT_EQ(view.SpeedupOf(id), Interval{}) << id;
    EXPECT_EQ(view.SpeedupOverSeed(id), Interval{}) << id;
  }
}

TEST(RunView, ALineageGoesFromTheSeedToTheCandidate) {
  const RunView view = Evolved().MustFold();
  EXPECT_EQ(view.Lineage(4), (std::vector<CandidateId>{0, 1, 3, 4}));
  EXPECT_EQ(view.Lineage(0), std::vector<CandidateId>{0});
  EXPECT_TRUE(view.Lineage(kNoCandidate).empty());
  EXPECT_TRUE(view.Lineage(99).empty());
}

TEST(FoldEvents, AResumeTakesTheStopBackAndIsCounted) {
  Record record;
  record.Start().Add(RunStopped{"interrupted"});
  EXPECT_EQ(record.MustFold().stop_reason, "interrupted");
  record.Add(RunResumed{}).Add(RunResumed{});
  EXPECT_EQ(record.MustFold().stop_reason, "");
  EXPECT_EQ(record.MustFold().resumes, 2);
  record.Add(RunStopped{"steps"});
  EXPECT_EQ(record.MustFold().stop_reason, "steps");
  EXPECT_DOUBLE_EQ(record.MustFold().elapsed_s, 5);
}

TEST(FoldEvents, TheSampleRecordIsARun) {
  const Result<RunView> view = FoldEvents(SampleEvents());
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_EQ(view->evaluations, static_cast<int>(std::variant_size_v<Outcome>));
  EXPECT_EQ(view->outcomes.size(), std::variant_size_v<Outcome>);
}

TEST(FoldEvents, ASecondStartIsADataLoss) {
  EXPECT_EQ(Record().Start().Start().Fault(), "event 2 does not fit the run: a second start");
  EXPECT_NE(Record().Add(RunStarted{}).Add(RunStarted{}).Fault(), "(no fault)");
}

TEST(FoldEvents, CandidatesOutOfOrderAreADataLoss) {
  const std::string head = "event 2 does not fit the run: candidate ";
  EXPECT_EQ(Record().Start().Propose(1, kNoCandidate).Fault(), head + "1 out of order");
  EXPECT_EQ(Record().Start().Propose(-1, kNoCandidate).Fault(), head + "-1 out of order");
  EXPECT_EQ(Record().Start().Propose(0, kNoCandidate).Propose(0, kNoCandidate).Fault(),
            "event 3 does not fit the run: candidate 0 out of order");
}

TEST(FoldEvents, UnknownRelativesAreADataLoss) {
  for (const CandidateId parent : {CandidateId{0}, CandidateId{5}, CandidateId{-2}}) {
    EXPECT_EQ(Record().Start().Propose(0, parent).Fault(),
              "event 2 does not fit the run: unknown parent " + std::to_string(parent));
  }
  EXPECT_EQ(Record()
                .Start()
                .Propose(0, kNoCandidate)
                .Add(CandidateProposed{.id = 1, .parent = 0, .inspirations = {0, 1}})
                .Fault(),
            "event 3 does not fit the run: unknown inspiration 1");
  EXPECT_EQ(Record().Start().Propose(0, kNoCandidate).Judge(0, DuplicateOf{1}).Fault(),
            "event 3 does not fit the run: duplicate of an unknown candidate 1");
}

TEST(FoldEvents, ResultsOfNobodyAndSecondResultsAreADataLoss) {
  EXPECT_EQ(Record().Start().Measure(0, {1, 1, 1}).Fault(),
            "event 2 does not fit the run: result of an unknown candidate 0");
  EXPECT_EQ(
      Record().Start().Propose(0, kNoCandidate).Measure(0, {1, 1, 1}).Judge(0, Crashed{}).Fault(),
      "event 4 does not fit the run: candidate was judged twice");
}

TEST(FoldEvents, ABaselineThatWasNotMeasuredIsADataLoss) {
  const std::string what = " does not fit the run: the baseline was not measured";
  Record record;
  record.Start();
  EXPECT_EQ(Record(record).Add(BaselineChosen{0}).Fault(), "event 2" + what);
  record.Propose(0, kNoCandidate);
  EXPECT_EQ(Record(record).Add(BaselineChosen{0}).Fault(), "event 3" + what);
  EXPECT_EQ(Record(record).Add(BaselineChosen{-1}).Fault(), "event 3" + what);
  EXPECT_EQ(Record(record).Judge(0, Crashed{}).Add(BaselineChosen{0}).Fault(), "event 4" + what);
  for (const double mid : {0.0, -1.0, static_cast<double>(NAN), HUGE_VAL}) {
    EXPECT_EQ(Record(record).Measure(0, {mid, mid, mid}).Add(BaselineChosen{0}).Fault(),
              "event 4" + what);
  }
}

TEST(FoldEvents, ASecondBaselineIsADataLoss) {
  Record record = Evolved();
  EXPECT_EQ(record.Add(BaselineChosen{4}).Fault(),
            "event 13 does not fit the run: a second baseline");
}

}  // namespace
}  // namespace ks
