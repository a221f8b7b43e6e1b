#include "report/bench.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/report/sample_bench.h"

namespace ks {
namespace {

BenchedTask Correct(int level, double speedup) {
  BenchedTask task;
  task.name = "t";
  task.level = level;
  task.precision = "fp32";
  task.state = AnswerState::kCorrect;
  task.outcome = "measured";
  task.speedup = {speedup * 0.9, speedup, speedup * 1.1};
  task.rounds = 4;
  return task;
}

BenchedTask Wrong(int level) {
  BenchedTask task = Correct(level, 9);
  task.state = AnswerState::kWrong;
  task.speedup = {};
  task.reason = "wrong result";
  return task;
}

BenchInput Of(std::vector<BenchedTask> tasks) {
  BenchInput input;
  input.suite = "s";
  input.protocol = "paper";
  input.baseline = "eager";
  input.level_names = {{1, "level 1"}, {2, "level 2"}};
  input.tasks = std::move(tasks);
  input.planned = input.tasks.size();
  return input;
}

// The hand-made cases of protocol_metrics_test.cc must give the same numbers here.
TEST(Bench, CountsAsTheProtocolMetricsDo) {
  const BenchInput input = Of({Correct(1, 3.0), Correct(1, 0.5), Wrong(1), Correct(2, 1.5)});
  const BenchSummary summary = Summarize(input);
  ASSERT_EQ(summary.slices.size(), 1u);
  const std::vector<SuiteResult> by_hand = {
      {1, true, 3.0}, {1, true, 0.5}, {1, false, 0}, {2, true, 1.5}};
  const ProtocolMetrics want = PaperMetrics(by_hand);
  const ProtocolMetrics& got = summary.slices[0].metrics;
  EXPECT_EQ(got.macro, want.macro);
  EXPECT_EQ(got.by_task, want.by_task);
  ASSERT_EQ(got.levels.size(), 2u);
  EXPECT_EQ(got.levels[0].metrics, want.levels[0].metrics);
  EXPECT_DOUBLE_EQ(got.levels[0].metrics.amsr, 1.0);
  EXPECT_DOUBLE_EQ(got.macro.amsr, 1.25);
  EXPECT_DOUBLE_EQ(got.macro.corr, (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(got.by_task.fast_1, 0.5);
  EXPECT_DOUBLE_EQ(got.by_task.geometric_mean, std::cbrt(3.0 * 0.5 * 1.5));
}

TEST(Bench, AnUnchangedAnswerCountsAsOneAndIsNotFaster) {
  BenchedTask task = Correct(1, 1);
  task.unchanged = true;
  task.speedup = {1, 1, 1};
  const BenchSlice slice = Summarize(Of({task})).slices[0];
  EXPECT_EQ(slice.metrics.macro.amsr, 1);
  EXPECT_EQ(slice.metrics.macro.fast_1, 0);
  EXPECT_EQ(slice.metrics.macro.corr, 1);
}

TEST(Bench, AFailedTaskCountsZeroInEveryMetric) {
  BenchedTask failed;
  failed.reason = "no device";
  const BenchSlice slice = Summarize(Of({Correct(1, 4), failed})).slices[0];
  EXPECT_DOUBLE_EQ(slice.metrics.macro.amsr, 2);
  EXPECT_DOUBLE_EQ(slice.metrics.macro.corr, 0.5);
}

TEST(Bench, BoundsTheMeanByTheEndsOfTheIntervals) {
  const BenchSlice slice = Summarize(Of({Correct(1, 2), Correct(1, 1.05)})).slices[0];
  // 1.05 has a low end below 1, which counts 0.
  EXPECT_DOUBLE_EQ(slice.at_low.macro.amsr, 1.8 / 2);
  EXPECT_DOUBLE_EQ(slice.metrics.macro.amsr, 3.05 / 2);
  EXPECT_DOUBLE_EQ(slice.at_high.macro.amsr, (2.2 + 1.05 * 1.1) / 2);
}

TEST(Bench, HasMetricsForEveryBaselineThatAnAnswerWasComparedWith) {
  BenchedTask both = Correct(1, 4);
  both.baselines["torch.compile"] = {1.9, 2, 2.1};
  const BenchSummary summary = Summarize(Of({both, Correct(1, 8), Wrong(1)}));
  ASSERT_EQ(summary.slices.size(), 2u);
  EXPECT_EQ(summary.slices[0].baseline, "eager");
  EXPECT_DOUBLE_EQ(summary.slices[0].metrics.macro.amsr, 4);
  EXPECT_EQ(summary.slices[1].baseline, "torch.compile");
  // The answer without that ratio is left out and told; the wrong one counts 0.
  EXPECT_EQ(summary.slices[1].without_baseline, 1);
  EXPECT_EQ(summary.slices[1].metrics.macro.tasks, 2);
  EXPECT_DOUBLE_EQ(summary.slices[1].metrics.macro.amsr, 1);
}

TEST(Bench, WithoutLibraryCallsAnAnswerNeedsAThirdOfTheTimeInOwnKernels) {
  BenchedTask own = Correct(1, 3), borrowed = Correct(1, 5);
  own.coverage = kOwnKernelCoverage;
  borrowed.coverage = 0.29;
  const BenchSummary summary = Summarize(Of({own, borrowed}));
  ASSERT_EQ(summary.slices.size(), 2u);
  EXPECT_DOUBLE_EQ(summary.slices[0].metrics.macro.amsr, 4);
  EXPECT_TRUE(summary.slices[1].own_kernels);
  EXPECT_DOUBLE_EQ(summary.slices[1].metrics.macro.amsr, 1.5);
  EXPECT_DOUBLE_EQ(summary.slices[1].metrics.macro.corr, 0.5);
}

TEST(Bench, TellsPrecisionsApart) {
  BenchedTask tf32 = Correct(1, 6);
  tf32.precision = "tf32";
  const BenchSummary summary = Summarize(Of({Correct(1, 2), tf32, Wrong(1)}));
  ASSERT_EQ(summary.slices.size(), 3u);
  EXPECT_EQ(summary.slices[1].precision, "fp32");
  EXPECT_DOUBLE_EQ(summary.slices[1].metrics.macro.amsr, 1);
  EXPECT_EQ(summary.slices[1].without_baseline, 0);
  EXPECT_DOUBLE_EQ(summary.slices[2].metrics.macro.amsr, 6);
}

TEST(Bench, DrawsTheMeanOfTheBestSoFarByRounds) {
  BenchedTask one = Correct(1, 3), two = Correct(2, 1);
  one.progress = {{2, 1.0, 2.0}, {4, 2.0, 3.0}};
  const BenchSummary summary = Summarize(Of({one, Wrong(1), two}));
  ASSERT_EQ(summary.curves.size(), 3u);
  EXPECT_EQ(summary.curves[0].name, "level 1");
  EXPECT_EQ(summary.curves[0].mean, (std::vector<double>{0.5, 0.5, 1, 1, 1.5}));
  EXPECT_EQ(summary.curves[1].mean, (std::vector<double>{1, 1, 1, 1, 1}));
  EXPECT_EQ(summary.curves[2].name, "macro");
  EXPECT_EQ(summary.curves[2].mean, (std::vector<double>{0.75, 0.75, 1, 1, 1.25}));
}

TEST(Bench, CurvesBeginWhereTheSearchesBegan) {
  BenchedTask ahead = Correct(1, 3);
  ahead.start = 1.5;
  ahead.progress = {{3, 1.0, 3.0}};
  const BenchSummary summary = Summarize(Of({ahead}));
  ASSERT_EQ(summary.curves.size(), 1u);
  EXPECT_EQ(summary.curves[0].mean, (std::vector<double>{1.5, 1.5, 1.5, 3, 3}));
}

TEST(Bench, SharesAboutFastPFallWithP) {
  const BenchSummary summary = Summarize(testing::MakeSampleBench());
  double last = 1;
  for (const auto& [p, share] : summary.slices[0].fast_p) {
    EXPECT_LE(share, last);
    last = share;
    if (p == 1) {
      EXPECT_DOUBLE_EQ(share, summary.slices[0].metrics.by_task.fast_1);
    }
  }
}

TEST(Bench, WritesItAllAsJson) {
  const BenchInput input = testing::MakeSampleBench();
  const auto json = nlohmann::json::parse(BenchJson(input, Summarize(input)));
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["planned"], 60);
  EXPECT_EQ(json["tasks"].size(), 60u);
  EXPECT_EQ(json["tasks"][0]["state"], "correct");
  EXPECT_TRUE(json["tasks"][0]["baselines"].contains("torch.compile"));
  EXPECT_EQ(json["tasks"][4]["speedup"], nullptr);
  EXPECT_EQ(json["tasks"][8]["outcome"], nullptr);
  EXPECT_EQ(json["metrics"][0]["baseline"], "eager");
  EXPECT_EQ(json["metrics"][0]["levels"].size(), 3u);
  EXPECT_EQ(json["metrics"][0]["macro"]["tasks"], 60);
  EXPECT_EQ(json["curves"].size(), 4u);
  EXPECT_EQ(json["curves"][3]["mean"].size(), 41u);
  EXPECT_EQ(json["left_out"][0]["name"], "constant");
}

TEST(Bench, TellsWhyATaskCountsZeroAndWhatIsNotAsPublished) {
  BenchInput input = testing::MakeSampleBench();
  input.deviations = {"3 rounds, not 40"};
  const std::string text = BenchText(input, Summarize(input), Style());
  EXPECT_NE(text.find("wrong result: out[17] = 3.2"), std::string::npos);
  EXPECT_NE(text.find("not as published: 3 rounds, not 40"), std::string::npos);
  EXPECT_NE(text.find("left out constant: refused by the gate"), std::string::npos);
  EXPECT_NE(text.find("mean of the levels (macro)"), std::string::npos);
  EXPECT_NE(text.find("fast_p"), std::string::npos);
}

TEST(Bench, HostileTextStaysText) {
  const BenchInput input = testing::MakeSampleBench(true);
  const BenchSummary summary = Summarize(input);
  EXPECT_EQ(BenchText(input, summary, Style()).find('\x1b'), std::string::npos);
  const std::string html = BenchHtml(input, summary);
  EXPECT_EQ(html.find("<img"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
}

TEST(Bench, AStoppedOneSaysHowFarItCame) {
  BenchInput input = Of({Correct(1, 2)});
  input.planned = 5;
  EXPECT_NE(BenchHtml(input, Summarize(input)).find("stopped after 1 of 5 tasks"),
            std::string::npos);
}

}  // namespace
}  // namespace ks
