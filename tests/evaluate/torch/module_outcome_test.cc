#include "evaluate/torch/module_outcome.h"

#include <gtest/gtest.h>

#include "evaluate/torch/module_talk.h"

namespace ks {
namespace {

TEST(ModuleAnswers, AreNonsenseUnlessTheySayWhatWasAskedFor) {
  EXPECT_TRUE(std::holds_alternative<ModuleNonsense>(ParseModuleAnswer("[1]", "done")));
  EXPECT_TRUE(std::holds_alternative<ModuleNonsense>(ParseModuleAnswer("{", "done")));
  EXPECT_TRUE(std::holds_alternative<ModuleNonsense>(ParseModuleAnswer("{\"a\": 1}", "done")));
  EXPECT_TRUE(std::holds_alternative<ModuleNonsense>(ParseModuleAnswer("{\"error\": 7}", "done")));
  EXPECT_TRUE(
      std::holds_alternative<ModuleNonsense>(ParseModuleAnswer("{\"done\": \"\xff\"}", "done")));
  EXPECT_TRUE(
      std::holds_alternative<nlohmann::json>(ParseModuleAnswer("{\"done\": true}", "done")));
}

TEST(ModuleAnswers, TakeMembersOfAnotherTypeForMissing) {
  const nlohmann::json object = {{"text", 7}, {"number", "nan"}, {"truth", "yes"}, {"line", 1.5}};
  EXPECT_EQ(TextOf(object, "text"), "");
  EXPECT_NE(NumberOf(object, "number"), NumberOf(object, "number"));
  EXPECT_FALSE(TruthOf(object, "truth"));
  EXPECT_EQ(IntegerOf(object, "line"), 0);
  EXPECT_EQ(TextOf(nlohmann::json::array(), "text"), "");
}

TEST(ModuleOutcomes, FollowThePhaseOfAProblem) {
  const auto name = [](const char* phase) {
    return std::string(OutcomeName(OutcomeOf(ModuleProblem{phase, "why", 3, ""})));
  };
  EXPECT_EQ(name("import"), "compile_failed");
  EXPECT_EQ(name("memory"), "out_of_memory");
  EXPECT_EQ(name("output_alias"), "rejected");
  EXPECT_EQ(name("forward"), "launch_failed");
  EXPECT_EQ(name("made up by a candidate"), "launch_failed");
}

TEST(ModuleOutcomes, CountWhatRunsBesideTheModule) {
  EXPECT_FALSE(OutcomeOf(ModuleCensus{1, 0}).has_value());
  EXPECT_FALSE(OutcomeOf(ModuleCensus{0, 0}).has_value());
  EXPECT_EQ(std::get<Rejected>(*OutcomeOf(ModuleCensus{2, 0})).rule, "leaves_threads");
  EXPECT_EQ(std::get<Rejected>(*OutcomeOf(ModuleCensus{1, 1})).rule, "leaves_processes");
}

}  // namespace
}  // namespace ks
