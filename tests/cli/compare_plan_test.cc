#include "cli/compare_plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace ks {
namespace {

class ComparePlanning : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  static std::string ErrorOf(const CompareOptions& options) {
    const Result<ComparePlan> plan = PlanComparison(options);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? "" : plan.error().message;
  }

  CompareOptions options_ = [] {
    CompareOptions options;
    options.configs = {"builtin", "random"};
    options.tasks = {"matmul", "softmax"};
    options.seeds = 2;
    options.out_dir = "out";
    return options;
  }();
  std::string folder_ = ::testing::TempDir() + "ks_compare_plan_" + std::to_string(::getpid());
};

TEST_F(ComparePlanning, TakesTurnsSoThatADisturbanceHitsAllAlike) {
  const Result<ComparePlan> plan = PlanComparison(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(plan->runs.size(), 8u);
  std::vector<std::string> dirs;
  for (const PlannedRun& run : plan->runs) dirs.push_back(run.options.run_dir);
  EXPECT_EQ(dirs[0], "out/builtin/matmul-1");
  EXPECT_EQ(dirs[1], "out/random/matmul-1");
  EXPECT_EQ(dirs[2], "out/builtin/softmax-1");
  EXPECT_EQ(dirs[4], "out/builtin/matmul-2");
  EXPECT_EQ(plan->runs[5].options.proposer, "random");
  EXPECT_EQ(plan->runs[5].options.seed, 2u);
  EXPECT_EQ(plan->runs[5].options.steps, 40);
  EXPECT_EQ(plan->budget, "40 steps");
}

TEST_F(ComparePlanning, NamesConfigurationsByTheirFiles) {
  options_.configs = {Write("wide.toml", "[search]\nislands = 5\n"),
                      "narrow=" + Write("x.toml", "[search]\nislands = 1\n")};
  options_.minutes = 0.5;
  const Result<ComparePlan> plan = PlanComparison(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->configs[0].name, "wide");
  EXPECT_EQ(plan->configs[1].name, "narrow");
  EXPECT_NE(plan->configs[0].hash, plan->configs[1].hash);
  EXPECT_FALSE(plan->runs[0].options.steps.has_value());
  EXPECT_EQ(plan->runs[0].options.minutes, 0.5);
}

TEST_F(ComparePlanning, KnowsPresetsByName) {
  options_.configs = {"paper", "builtin"};
  const Result<ComparePlan> plan = PlanComparison(options_);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->configs[0].name, "paper");
  EXPECT_EQ(plan->runs[0].options.preset, "paper");
  EXPECT_NE(plan->configs[0].hash, plan->configs[1].hash);
}

TEST_F(ComparePlanning, AFolderTakesMoreOfTheSameProtocolAndNothingElse) {
  const ComparePlan plan = *PlanComparison(options_);
  const std::string first = *ProtocolOf(plan, "");
  EXPECT_EQ(*ProtocolOf(plan, first), first);
  options_.configs = {"paper"};
  options_.seeds = 7;
  options_.tasks = {"gelu"};
  const std::string second = *ProtocolOf(*PlanComparison(options_), first);
  EXPECT_NE(second.find("builtin"), std::string::npos);
  EXPECT_NE(second.find("paper"), std::string::npos);
  options_.configs = {"builtin=" + Write("x.toml", "[search]\nislands = 9\n")};
  EXPECT_NE(ProtocolOf(*PlanComparison(options_), first).error().message.find("'builtin'"),
            std::string::npos);
  options_.configs = {"builtin"};
  options_.steps = 41;
  EXPECT_NE(ProtocolOf(*PlanComparison(options_), first).error().message.find("another budget"),
            std::string::npos);
  EXPECT_EQ(ProtocolOf(plan, "{").error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(ProtocolOf(plan, "[1]").error().code, ErrorCode::kDataLoss);
}

TEST_F(ComparePlanning, AllMeansEveryTaskWithASeedForTheBackend) {
  options_.tasks = {};
  const size_t cpu = PlanComparison(options_)->tasks.size();
  EXPECT_GE(cpu, 18u);
  options_.backend = "opencl";
  options_.tasks = {"all"};
  const size_t opencl = PlanComparison(options_)->tasks.size();
  EXPECT_GE(opencl, 10u);
  EXPECT_LT(opencl, cpu);
}

TEST_F(ComparePlanning, SaysWhatIsWrong) {
  options_.configs = {"builtin", "builtin"};
  EXPECT_NE(ErrorOf(options_).find("two configurations are called 'builtin'"), std::string::npos);
  options_.configs = {"builtn"};
  EXPECT_NE(ErrorOf(options_).find("builtin"), std::string::npos);
  options_.configs = {"../x=builtin"};
  EXPECT_NE(ErrorOf(options_).find("cannot name a configuration"), std::string::npos);
  options_.configs = {Write("bad.toml", "[search]\nislandz = 5\n")};
  EXPECT_NE(ErrorOf(options_).find("bad.toml:2:1"), std::string::npos);
  options_.configs = {"builtin"};
  options_.tasks = {"matmul", "matmul"};
  EXPECT_NE(ErrorOf(options_).find("named twice"), std::string::npos);
  options_.tasks = {"nope"};
  EXPECT_NE(ErrorOf(options_).find("nope"), std::string::npos);
}

}  // namespace
}  // namespace ks
