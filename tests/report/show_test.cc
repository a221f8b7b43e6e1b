#include "report/show.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "report/numbers.h"
#include "report/summary.h"
#include "tests/report/sample_run.h"

namespace ks {
namespace {

using nlohmann::json;
using testing::MakeSampleRun;
using testing::SampleRun;

ShowInput InputOf(const SampleRun& run) {
  return {&run.view, "runs/x", run.cells, run.axes, "abc123"};
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A run of hand-checkable numbers: the seed, flags twice as fast (the baseline), one child.
RunView SmallRun(Outcome child) {
  std::vector<Event> events;
  const auto emit = [&](auto body) {
    Event event;
    event.sequence = static_cast<int64_t>(events.size()) + 1;
    event.elapsed_s = static_cast<double>(events.size());
    event.body = std::move(body);
    events.push_back(std::move(event));
  };
  const auto propose = [&](CandidateId id, CandidateId parent, std::string skill) {
    CandidateProposed p;
    p.id = id;
    p.step = id;
    p.parent = parent;
    p.skill = std::move(skill);
    p.source_hash = "hash" + std::to_string(id);
    emit(std::move(p));
  };
  const auto judge = [&](CandidateId id, Outcome outcome) {
    Evaluation e;
    e.outcome = std::move(outcome);
    emit(CandidateEvaluated{id, std::move(e)});
  };
  const auto timed = [](Interval speedup, Interval gain) {
    Measured m;
    m.speedup = speedup;
    m.gain = gain;
    m.gain_significant = gain.low > 1.01;
    return m;
  };
  RunStarted started;
  started.run_id = "run-1";
  started.task = "softmax";
  started.backend = "cpu";
  started.seed = 7;
  emit(std::move(started));
  propose(0, kNoCandidate, "seed");
  judge(0, timed({1, 1, 1}, {1, 1, 1}));
  propose(1, 0, "baseline_flags");
  judge(1, timed({1.9, 2, 2.1}, {1.9, 2, 2.1}));
  emit(BaselineChosen{1});
  propose(2, 1, "tile_loops");
  judge(2, std::move(child));
  return *FoldEvents(events);
}

Measured ThreeTimes() {
  Measured m;
  m.speedup = {2.9, 3, 3.1};
  m.gain = {2.9, 3, 3.1};
  m.gain_significant = true;
  return m;
}

TEST(Show, HeadlineGivesBothSpeedupsAndTheStepsFromTheSeed) {
  const RunView view = SmallRun(ThreeTimes());
  const std::string text = ShowText({&view, "runs/x", {}, {}, ""}, {});
  EXPECT_TRUE(
      Contains(text, "softmax on cpu: 3.00x [2.90, 3.10] over the seed with the best flags"))
      << text;
  EXPECT_TRUE(Contains(text, "6.00x [5.51, 6.51]")) << text;
  EXPECT_TRUE(Contains(text, "c2, 2 steps from the seed")) << text;
}

TEST(Show, OfARunWithoutMeasurementsSaysSo) {
  RunView view;
  view.started.task = "softmax";
  view.started.backend = "cpu";
  EXPECT_TRUE(Contains(ShowText({&view, "", {}, {}, ""}, {}), "nothing was measured"));
  EXPECT_TRUE(json::parse(ShowJson({&view, "", {}, {}, ""}))["best"].is_null());
}

// The seed (0), four edits of it and of each other, in this order; none has flag variants.
RunView OneShotRun() {
  std::vector<Event> events;
  const auto emit = [&](auto body) {
    const auto n = static_cast<int64_t>(events.size());
    events.push_back({n + 1, 0, static_cast<double>(n), std::move(body)});
  };
  const auto add = [&](CandidateId id, CandidateId parent, const std::string& skill, Outcome is) {
    emit(CandidateProposed{.id = id, .step = id, .parent = parent, .skill = skill});
    Evaluation evaluation;
    evaluation.outcome = std::move(is);
    emit(CandidateEvaluated{id, evaluation});
  };
  const auto times = [](double x) { return Measured{.speedup = {x - 0.1, x, x + 0.1}}; };
  emit(RunStarted{.task = "t"});
  add(0, kNoCandidate, "seed", times(1));
  emit(BaselineChosen{0});
  add(1, 0, "a", times(1.5));
  add(2, 1, "b", times(2.5));
  add(3, 0, "a", CompileFailed{});
  add(4, 2, "c", times(4));
  add(5, 0, "a", times(1.8));
  return *FoldEvents(events);
}

TEST(Show, SaysWhatSamplingFromTheSeedAloneHadFound) {
  const RunView view = OneShotRun();
  const OneShot one = OneShotOf(view);
  EXPECT_EQ(one.samples, 3) << "the one that failed was a sample too";
  EXPECT_EQ(one.best, 5);
  EXPECT_EQ(one.search_best, 2) << "of the first three evaluations";
  EXPECT_EQ(one.evaluations, 5);
  ShowInput input{.view = &view};
  EXPECT_TRUE(
      Contains(ShowText(input, Style()), "the best of 3 direct children of the seed: 1.80"));
  EXPECT_TRUE(Contains(ShowText(input, Style()), "compare builtin best_of_n"));
  const json shown = json::parse(ShowJson(input));
  EXPECT_EQ(shown["one_shot"]["best"], 5);
  EXPECT_EQ(shown["one_shot"]["search_speedup"]["mid"], 2.5);
  EXPECT_TRUE(shown["comparison"].is_null());
  input.comparison = "/x/comparison";
  EXPECT_TRUE(Contains(ShowText(input, Style()), "measured in /x/comparison"));
  EXPECT_EQ(json::parse(ShowJson(input))["comparison"], "/x/comparison");
}

TEST(Show, WithoutASampleNothingIsSaidOfEvolution) {
  const RunView view = *FoldEvents({{1, 0, 0, RunStarted{.task = "t"}}});
  EXPECT_EQ(OneShotText(view), "");
  EXPECT_EQ(OneShotOf(view).best, kNoCandidate);
}

TEST(Show, ListsTenBestInOrderWithTheirCells) {
  const SampleRun run = MakeSampleRun(150);
  const std::string text = ShowText(InputOf(run), {});
  const std::vector<CandidateId> top = TopCandidates(run.view, 10);
  ASSERT_EQ(top.size(), 10u);
  EXPECT_EQ(top.front(), run.view.best);
  size_t at = text.find("Best candidates");
  for (CandidateId id : top) {
    at = text.find("\n  " + CandidateName(id) + " ", at);
    ASSERT_NE(at, std::string::npos) << CandidateName(id) << "\n" << text;
  }
  EXPECT_TRUE(Contains(text, CellLabel(run.cells, run.axes, run.view.best))) << text;
}

TEST(Show, CountsSkillsWithoutTheSeedAndItsFlags) {
  const RunView view = SmallRun(ThreeTimes());
  const std::vector<SkillSummary> skills = SummarizeSkills(view);
  ASSERT_EQ(skills.size(), 1u);
  EXPECT_EQ(skills[0].skill, "tile_loops");
  EXPECT_EQ(skills[0].tried, 1);
  EXPECT_EQ(skills[0].held, 1);
  EXPECT_NEAR(skills[0].mean_gain, 3, 1e-12);
}

TEST(Show, TextHasNoEscapeSequenceOfACandidate) {
  const SampleRun run = MakeSampleRun(60, true);
  EXPECT_EQ(ShowText(InputOf(run), {}).find('\x1b'), std::string::npos);
}

TEST(Show, BestSoFarStartsBelowOneAndOnlyRises) {
  const SampleRun run = MakeSampleRun(150);
  const std::vector<BestPoint> points = BestSoFar(run.view);
  ASSERT_GT(points.size(), 3u);
  EXPECT_LT(points.front().speedup.mid, 1);
  for (size_t i = 1; i < points.size(); ++i) {
    EXPECT_GT(points[i].speedup.low, points[i - 1].speedup.low);
    EXPECT_GT(points[i].evaluation, points[i - 1].evaluation);
  }
  EXPECT_EQ(points.back().best, run.view.best);
}

TEST(ShowJson, HasThePromisedFields) {
  const RunView view = SmallRun(ThreeTimes());
  const json out = json::parse(ShowJson({&view, "runs/x", {}, {}, "abc123"}));
  EXPECT_EQ(out["format"], 1);
  EXPECT_EQ(out["task"], "softmax");
  EXPECT_EQ(out["backend"], "cpu");
  EXPECT_EQ(out["evaluations"], 3);
  EXPECT_EQ(out["seconds"], 7.0);
  EXPECT_EQ(out["outcomes"], json({{"measured", 3}}));
  EXPECT_EQ(out["best"]["id"], 2);
  EXPECT_EQ(out["best"]["steps_from_seed"], 2);
  EXPECT_EQ(out["best"]["speedup"], json({{"low", 2.9}, {"mid", 3.0}, {"high", 3.1}}));
  EXPECT_EQ(out["archive_hash"], "abc123");
  EXPECT_EQ(out["run_id"], "run-1");
  EXPECT_EQ(out["seed"], 7);
  EXPECT_EQ(out["baseline"]["id"], 1);
  EXPECT_NEAR(out["speedup_over_seed"]["mid"].get<double>(), 6, 1e-12);
  EXPECT_EQ(out["skills"][0]["skill"], "tile_loops");
  EXPECT_TRUE(out["stop_reason"].is_null());
}

TEST(ShowJson, IsValidForTextThatIsNotUtf8) {
  const SampleRun run = MakeSampleRun(60, true);
  const std::string text = ShowJson(InputOf(run));
  EXPECT_TRUE(json::accept(text));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Runs, TableSaysWhyAFolderCannotBeRead) {
  const std::vector<RunListing> runs = {{"runs/a", SmallRun(ThreeTimes()), ""},
                                        {"runs/b", {}, "written by a newer version"}};
  const std::string text = RunsTable(runs, {});
  EXPECT_TRUE(Contains(text, "3.00x [2.90, 3.10]")) << text;
  EXPECT_TRUE(Contains(text, "written by a newer version")) << text;
  const json out = json::parse(RunsJson(runs));
  EXPECT_EQ(out["runs"][0]["best"]["id"], 2);
  EXPECT_EQ(out["runs"][1]["problem"], "written by a newer version");
}

TEST(EvaluationText, QuotesTheLineOfACompilerErrorWithACaret) {
  const std::string text =
      DiagnosticsText({{"error", 2, 7, "'x' was not declared"}}, "k.cc", "int a;\n\ta =  x;\n", {});
  EXPECT_EQ(text,
            "k.cc:2:7: error: 'x' was not declared\n"
            "    2 |  a =  x;\n"
            "      |       ^\n");
}

TEST(EvaluationText, ADiagnosticOutsideTheSourceIsPrintedWithoutALine) {
  EXPECT_EQ(DiagnosticsText({{"error", 99, 1, "m"}, {"error", 0, 0, "n"}}, "k.cc", "a\n", {}),
            "k.cc:99:1: error: m\nk.cc: error: n\n");
}

TEST(EvaluationText, TellsTheWholeStoryOfAMeasurement) {
  const SampleRun run = MakeSampleRun(20);
  const Evaluation& e = *run.view.candidates[2].evaluation;
  const std::string text = EvaluationText({&e, "matmul", "cpu", "k.cc", "", true}, {});
  for (const char* part :
       {"speed-up", "m=512,n=512,k=512", "GFLOP/s", "g++ 12.2.0", "bottleneck"}) {
    EXPECT_TRUE(Contains(text, part)) << part << "\n" << text;
  }
  const std::string untimed = EvaluationText({&e, "matmul", "cpu", "k.cc", "", false}, {});
  EXPECT_FALSE(Contains(untimed, "speed-up")) << untimed;
}

TEST(EvaluationJson, GivesEveryKindOfOutcomeItsOwnFields) {
  const std::vector<std::pair<Outcome, std::string>> cases = {{Measured{}, "timings"},
                                                              {CompileFailed{}, "diagnostics"},
                                                              {LaunchFailed{}, "reason"},
                                                              {WrongResult{}, "mismatches"},
                                                              {Nondeterministic{}, "second"},
                                                              {OutOfBounds{}, "access"},
                                                              {Crashed{}, "signal"},
                                                              {TimedOut{}, "limit_s"},
                                                              {OutOfMemory{}, "requested_bytes"},
                                                              {Rejected{"clock", "x"}, "rule"},
                                                              {DuplicateOf{4}, "id"}};
  ASSERT_EQ(cases.size(), OutcomeNames().size());
  for (const auto& [outcome, field] : cases) {
    Evaluation e;
    e.outcome = outcome;
    const json out = json::parse(EvaluationJson({&e, "t", "cpu", "k.cc", "", true}));
    EXPECT_EQ(out["outcome"]["kind"], OutcomeName(outcome));
    EXPECT_TRUE(out["outcome"].contains(field)) << field;
    EXPECT_TRUE(out["outcome"].contains("summary"));
  }
}

TEST(EvaluationJson, NumbersThatAreNotFiniteBecomeNull) {
  Evaluation e;
  WrongResult wrong;
  wrong.got = std::numeric_limits<double>::quiet_NaN();
  e.outcome = wrong;
  const json out = json::parse(EvaluationJson({&e, "t", "cpu", "k.cc", "", true}));
  EXPECT_TRUE(out["outcome"]["got"].is_null());
}

TEST(Tasks, TableAndJsonCountWorkloadsByRole) {
  Task task;
  task.name = "softmax";
  task.summary = "rows of exponentials";
  task.workloads = {{"a", {{"n", 4}}, WorkloadRole::kTime, "gpu"},
                    {"b", {{"n", 5}}, WorkloadRole::kCheck},
                    {"c", {{"n", 6}}, WorkloadRole::kCheck}};
  task.seeds = {{"cpu", "seed.cc", ""}, {"cuda", "seed.cu", ""}};
  EXPECT_TRUE(Contains(TasksTable({task}, {}), "1/2/0"));
  EXPECT_TRUE(Contains(TasksTable({task}, {}), "cpu cuda"));
  const json out = json::parse(TasksJson({task}));
  EXPECT_EQ(out["tasks"][0]["workloads"][1]["role"], "check");
  EXPECT_EQ(out["tasks"][0]["workloads"][0]["on"], "gpu");
  EXPECT_EQ(out["tasks"][0]["workloads"][1]["on"], "");
  EXPECT_EQ(out["tasks"][0]["backends"], json::array({"cpu", "cuda"}));
}

TEST(Numbers, KeepThreeDigitsWherePeopleNeedThem) {
  EXPECT_EQ(FormatRatio(0.973), "0.97");
  EXPECT_EQ(FormatRatio(9.997), "10.0");
  EXPECT_EQ(FormatRatio(148.4), "148");
  EXPECT_EQ(FormatGain(1.0243), "1.024");
  EXPECT_EQ(FormatSpeedup(Interval{}), "-");
  EXPECT_EQ(FormatSeconds(8.24), "8.2 s");
  EXPECT_EQ(FormatSeconds(187), "3 min 07 s");
  EXPECT_EQ(FormatSeconds(7500), "2 h 05 min");
  EXPECT_EQ(FormatPercent(0.124), "12 %");
}

}  // namespace
}  // namespace ks
