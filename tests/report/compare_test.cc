#include "report/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/report/sample_run.h"

namespace ks {
namespace {

ComparedRun Run(const std::string& config, const std::string& task, uint64_t seed, double speedup) {
  ComparedRun run;
  run.config = config;
  run.task = task;
  run.seed = seed;
  run.run_dir = "runs/" + config;
  run.best = {speedup * 0.99, speedup, speedup * 1.01};
  run.progress = {{1, 1.0, 1.0}, {3, 2.5, speedup}};
  run.evaluations = 5;
  run.seconds = 10;
  return run;
}

// "fast" is better on every task but the last, where both are alike.
CompareInput Sample(size_t seeds = 5) {
  CompareInput input;
  input.configs = {{"fast", "builtin", "aaaa"}, {"slow", "random", "bbbb"}};
  input.tasks = {"t0", "t1", "t2", "t3", "t4", "t5"};
  input.budget = "5 steps";
  input.machine = "a <machine>";
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    input.seeds.push_back(seed);
    const double noise = 1 + 0.01 * static_cast<double>(seed);
    for (size_t t = 0; t < input.tasks.size(); ++t) {
      const double gain = t + 1 == input.tasks.size() ? 1 : 2;
      input.runs.push_back(Run("fast", input.tasks[t], seed, 3 * gain * noise));
      input.runs.push_back(Run("slow", input.tasks[t], seed, 3 * noise));
    }
  }
  return input;
}

TEST(Compare, SumsUpDistributionsNotTheBestRun) {
  const Comparison comparison = Compare(Sample());
  const Spread& spread = comparison.spreads[0][0];
  EXPECT_EQ(spread.runs, 5);
  EXPECT_NEAR(spread.least, 6.06, 1e-9);
  EXPECT_NEAR(spread.median, 6.18, 1e-9);
  EXPECT_NEAR(spread.upper, 6.24, 1e-9);
  EXPECT_NEAR(spread.most, 6.30, 1e-9);
  EXPECT_NEAR(comparison.totals[1].geometric_mean, 3.09, 1e-9);
  EXPECT_EQ(comparison.totals[0].evaluations, 150);
}

TEST(Compare, CountsWinsTiesAndLossesByTask) {
  const Comparison comparison = Compare(Sample());
  ASSERT_EQ(comparison.duels.size(), 1u);
  const Duel& duel = comparison.duels[0];
  EXPECT_EQ(duel.wins, 5);
  EXPECT_EQ(duel.ties, 1);
  EXPECT_EQ(duel.losses, 0);
  EXPECT_NEAR(duel.ratio.mid, std::pow(2.0, 5.0 / 6), 1e-9);
  EXPECT_GT(duel.ratio.low, 1.7);
  EXPECT_NEAR(duel.p, 2.0 / 32, 1e-9);  // five tasks differ, all in one direction
  EXPECT_EQ(duel.p_corrected, duel.p);
}

TEST(Compare, WinsNothingWithThreeSeeds) {
  const Comparison comparison = Compare(Sample(3));
  EXPECT_EQ(comparison.duels[0].wins, 0);
  EXPECT_EQ(comparison.duels[0].ties, 6);
  EXPECT_NE(CompareText(Sample(3), comparison, Style()).find("fewer than 4 seeds"),
            std::string::npos);
}

TEST(Compare, AFailedRunCountsAsOneAndIsSaid) {
  CompareInput input = Sample();
  ComparedRun& failed = input.runs[0];
  failed.best = {};
  failed.progress.clear();
  failed.error = "the <server> went away";
  const Comparison comparison = Compare(input);
  EXPECT_EQ(comparison.spreads[0][0].failed, 1);
  EXPECT_EQ(comparison.spreads[0][0].least, 1);
  EXPECT_EQ(comparison.totals[0].failed, 1);
  EXPECT_NE(CompareText(input, comparison, Style()).find("1 failed"), std::string::npos);
  const std::string html = CompareHtml(input, comparison);
  EXPECT_NE(html.find("the &lt;server&gt; went away"), std::string::npos);
  EXPECT_EQ(html.find("<server>"), std::string::npos);
}

TEST(Compare, MissingRunsOfAStoppedComparisonAreLeftOut) {
  CompareInput input = Sample();
  input.runs.resize(3);  // both on t0, one on t1
  const Comparison comparison = Compare(input);
  EXPECT_EQ(comparison.spreads[1][1].runs, 0);
  EXPECT_NEAR(comparison.duels[0].ratio.mid, 2, 1e-9);
  EXPECT_NE(CompareHtml(input, comparison).find("\u2013"), std::string::npos);
  input.runs.clear();
  EXPECT_EQ(Compare(input).totals[0].geometric_mean, 0);
}

TEST(Compare, WritesItAllAsJson) {
  const CompareInput input = Sample();
  const auto json = nlohmann::json::parse(CompareJson(input, Compare(input)));
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["configs"][0]["name"], "fast");
  EXPECT_NEAR(json["configs"][0]["tasks"]["t0"]["median"].get<double>(), 6.18, 1e-9);
  EXPECT_EQ(json["duels"][0]["wins"], 5);
  EXPECT_EQ(json["runs"].size(), 60u);
  EXPECT_EQ(json["runs"][0]["progress"][1][0], 3);
}

TEST(Compare, APageNeedsNothingElse) {
  const CompareInput input = Sample();
  const std::string html = CompareHtml(input, Compare(input));
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_NE(html.find("a &lt;machine&gt;"), std::string::npos);
  EXPECT_NE(html.find("class=\"median c1\""), std::string::npos);
}

TEST(ComparedRunOf, CountsFromTheBaselineOn) {
  const RunView view = testing::MakeSampleRun(40).view;
  const ComparedRun run = ComparedRunOf("x", "runs/x", view);
  EXPECT_TRUE(run.error.empty());
  EXPECT_EQ(run.best.mid, view.SpeedupOf(view.best).mid);
  EXPECT_EQ(run.evaluations, view.evaluations - (view.baseline_chosen_after + 1));
  ASSERT_FALSE(run.progress.empty());
  EXPECT_GE(run.progress.front().evaluation, 1);
  EXPECT_NEAR(run.progress.back().speedup, run.best.mid, 1e-9);
}

TEST(ComparedRunOf, AddsUpWhatModelsWerePaid) {
  RunView view = testing::MakeSampleRun(40).view;
  view.candidates[3].proposed.use = ModelUse{"m", 0.25, 1000, 200, ""};
  view.candidates[5].proposed.use = ModelUse{"m", 0.5, 10, 2, ""};
  const ComparedRun run = ComparedRunOf("x", "runs/x", view);
  EXPECT_EQ(run.cost_usd, 0.75);
  EXPECT_EQ(run.tokens, 1212);
}

TEST(ComparedRunOf, SaysWhenNothingWasMeasured) {
  RunView view;
  view.started.task = "t";
  EXPECT_EQ(ComparedRunOf("x", "d", view).error, "no candidate was measured");
}

}  // namespace
}  // namespace ks
