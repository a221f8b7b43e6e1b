#include "cli/bench_plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace ks {
namespace {

class BenchPlanning : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }
  static std::string ErrorOf(const BenchOptions& options) {
    const Result<BenchPlan> plan = PlanBenchmark(options);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? "" : plan.error().message;
  }

  BenchOptions options_ = [] {
    BenchOptions options;
    options.suite = "library";
    options.tasks = {"matmul", "softmax"};
    options.out_dir = "out";
    return options;
  }();
  std::string file_ = ::testing::TempDir() + "ks_bench_" + std::to_string(::getpid()) + ".toml";
};

TEST_F(BenchPlanning, ThePaperHasFortyRoundsAndAHundredTrials) {
  options_.tasks.clear();
  const Result<BenchPlan> plan = PlanBenchmark(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->rounds, 40);
  EXPECT_EQ(plan->trials, 100);
  EXPECT_EQ(plan->budget, "40 rounds");
  EXPECT_TRUE(plan->deviations.empty());
  EXPECT_EQ(plan->config.search.islands, 5);  // of the preset
  EXPECT_EQ(plan->config.max_steps, 40);
  EXPECT_EQ(plan->tasks.size(), plan->suite.tasks.size());
}

TEST_F(BenchPlanning, TellsWhatIsNotAsPublished) {
  options_.steps = 10;
  options_.minutes = 2;
  std::ofstream(file_) << "[search]\nislands = 2\n";
  options_.config_file = file_;
  const Result<BenchPlan> plan = PlanBenchmark(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->budget, "10 rounds, at most 2 minutes");
  EXPECT_EQ(plan->config.search.islands, 2);
  EXPECT_EQ(plan->deviations.size(), 4u);
}

TEST_F(BenchPlanning, ABudgetForModelsIsPartOfTheProtocolAndADeviation) {
  options_.llm.budget_usd = 2.5;
  const Result<BenchPlan> plan = PlanBenchmark(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->budget, "40 rounds, at most 2.5 USD");
  EXPECT_EQ(plan->deviations.size(), 2u);  // and only some tasks
}

TEST_F(BenchPlanning, ATaskIsSearchedAlikeInEverySuite) {
  const BenchPlan both = *PlanBenchmark(options_);
  options_.tasks = {"softmax"};
  options_.devices = {3, 1};
  const BenchPlan one = *PlanBenchmark(options_);
  ASSERT_EQ(both.tasks.size(), 2u);
  EXPECT_EQ(both.tasks[1].options.seed, one.tasks[0].options.seed);
  EXPECT_NE(both.tasks[0].options.seed, both.tasks[1].options.seed);
  EXPECT_EQ(both.tasks[1].options.run_dir, "out/library/softmax");
  EXPECT_EQ(both.config_hash, one.config_hash);
}

TEST_F(BenchPlanning, AFolderTakesMoreOfTheSameAndNothingElse) {
  const std::string first = *BenchProtocolOf(*PlanBenchmark(options_), "");
  BenchOptions more = options_;
  more.tasks = {"gelu"};
  more.devices = {0, 1};
  EXPECT_EQ(*BenchProtocolOf(*PlanBenchmark(more), first), first);
  more.steps = 41;
  EXPECT_NE(BenchProtocolOf(*PlanBenchmark(more), first).error().message.find("another budget"),
            std::string::npos);
  more = options_;
  more.backend = "opencl";
  EXPECT_NE(BenchProtocolOf(*PlanBenchmark(more), first).error().message.find("another backend"),
            std::string::npos);
  more = options_;
  more.proposer = "random";
  EXPECT_NE(BenchProtocolOf(*PlanBenchmark(more), first).error().message.find("configuration"),
            std::string::npos);
  for (const char* other : {"{", "[1]", "{\"version\":1,\"budget\":\"\",\"configs\":{}}"}) {
    EXPECT_EQ(BenchProtocolOf(*PlanBenchmark(options_), other).error().code, ErrorCode::kDataLoss);
  }
}

TEST_F(BenchPlanning, SaysWhatIsWrong) {
  options_.devices = {0, 0};
  EXPECT_NE(ErrorOf(options_).find("named twice"), std::string::npos);
  options_.service.url = "http://127.0.0.1:1";
  options_.devices = {1};
  EXPECT_NE(ErrorOf(options_).find("leave --devices or --evaluator out"), std::string::npos);
  options_.devices.clear();
  options_.searches = 3;
  EXPECT_EQ(PlanBenchmark(options_)->lanes, (std::vector<int>{0, 1, 2}));
  options_.service.url.clear();
  EXPECT_NE(ErrorOf(options_).find("would disturb each other"), std::string::npos);
  options_.searches.reset();
  options_.html_file = "nowhere/page.html";
  EXPECT_NE(ErrorOf(options_).find("no folder 'nowhere'"), std::string::npos);
  options_.html_file.clear();
  options_.protocol = "papers";
  EXPECT_NE(ErrorOf(options_).find("no protocol 'papers'"), std::string::npos);
  options_.protocol = "paper";
  options_.proposer = "builtn";
  EXPECT_NE(ErrorOf(options_).find("builtin"), std::string::npos);
  options_.proposer.reset();
  options_.config_file = "nowhere.toml";
  EXPECT_NE(ErrorOf(options_).find("nowhere.toml"), std::string::npos);
}

}  // namespace
}  // namespace ks
