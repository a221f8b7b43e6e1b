#include "cli/bench_answer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace ks {
namespace {

FinalAnswer Sample() {
  FinalAnswer answer;
  answer.source_hash = "abc";
  answer.trials = 100;
  answer.seconds = 3.5;
  answer.precision = "bf16";
  answer.evaluation.outcome = Measured{{}, {1.9, 2.0, 2.1}, {1.9, 2.0, 2.1}, true, false, "memory"};
  answer.evaluation.seconds = {0.5, 1.0, 2.0, 7.0};
  return answer;
}

const BaselineNames kKernels = BaselineNamesOf("cpu");
const BaselineNames kModules = BaselineNamesOf("torch");

TEST(FinalAnswer, IsKeptAsItWas) {
  FinalAnswer answer = Sample();
  answer.over_seed = answer.over_compiled = answer.evaluation;
  answer.over_compiled->outcome = Rejected{"rival_fails", "it does not compile"};
  answer.unchanged = true;
  const Result<FinalAnswer> again = FinalAnswerFromJson(FinalAnswerToJson(answer));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(FinalAnswerToJson(*again), FinalAnswerToJson(answer));
  EXPECT_EQ(again->source_hash, "abc");
  EXPECT_EQ(again->trials, 100);
  EXPECT_TRUE(again->unchanged);
  EXPECT_TRUE(again->over_seed.has_value());
}

TEST(FinalAnswer, ReadsVersionOne) {
  const Result<std::string> golden = PosixFileSystem().Read(
      std::string(KS_SOURCE_DIR) + "/tests/golden/bench_answer_v1.json", kMaxTextFileBytes);
  ASSERT_TRUE(golden.ok()) << golden.error().message;
  const Result<FinalAnswer> answer = FinalAnswerFromJson(*golden);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  BenchedTask task;
  FillFrom(*answer, kKernels, task);
  EXPECT_EQ(task.speedup, (Interval{1.9, 2.0, 2.1}));
  EXPECT_EQ(answer->trials, 100);
  EXPECT_TRUE(answer->over_seed.has_value());
}

TEST(FinalAnswer, IsNotReadFromAnythingElse) {
  for (const char* text :
       {"", "[]", "{}", "{\"version\":2}", "{\"version\":1,\"source_hash\":3}"}) {
    EXPECT_EQ(FinalAnswerFromJson(text).error().code, ErrorCode::kDataLoss) << text;
  }
}

TEST(FinalAnswer, GivesTheTaskItsSpeedup) {
  BenchedTask task;
  task.seconds = 10;
  FillFrom(Sample(), kKernels, task);
  EXPECT_EQ(task.state, AnswerState::kCorrect);
  EXPECT_EQ(task.outcome, "measured");
  EXPECT_EQ(task.speedup.mid, 2);
  EXPECT_EQ(task.precision, "bf16");
  EXPECT_EQ(task.baselines.at(kKernels.seed).mid, 2);
  EXPECT_EQ(task.seconds, 13.5);
  EXPECT_EQ(task.device_seconds, 3);  // checks and timing, not waiting
  EXPECT_EQ(task.compile_seconds, 0.5);
}

TEST(FinalAnswer, ThatIsTheBaselineHasSpeedupOne) {
  FinalAnswer answer = Sample();
  answer.unchanged = true;
  answer.evaluation.outcome = Measured{};
  answer.over_seed = Sample().evaluation;
  BenchedTask task;
  FillFrom(answer, kKernels, task);
  EXPECT_EQ(task.speedup, (Interval{1, 1, 1}));
  EXPECT_EQ(task.baselines.at(kKernels.seed).mid, 2);
  EXPECT_TRUE(task.unchanged);
}

TEST(FinalAnswer, OfAModuleIsComparedWithEagerFirst) {
  FinalAnswer answer = Sample();
  answer.over_seed = Sample().evaluation;
  answer.over_seed->outcome = Measured{{}, {2.9, 3.0, 3.1}, {2.9, 3.0, 3.1}, true, false, ""};
  BenchedTask task;
  FillFrom(answer, kModules, task);
  EXPECT_EQ(task.speedup.mid, 3);
  EXPECT_EQ(task.baselines.at("the fastest start").mid, 2);
  EXPECT_FALSE(task.baselines.contains("torch.compile"));
  answer.over_compiled = Sample().evaluation;
  FillFrom(answer, kModules, task);
  EXPECT_EQ(task.baselines.at("torch.compile").mid, 2);
  answer.over_seed->outcome = LaunchFailed{"eager went away"};
  BenchedTask lost;
  FillFrom(answer, kModules, lost);
  EXPECT_EQ(lost.state, AnswerState::kFailed);
  EXPECT_NE(lost.reason.find("eager went away"), std::string::npos);
}

TEST(FinalAnswer, SaysHowMuchOfTheTimeIsItsOwn) {
  FinalAnswer answer = Sample();
  answer.over_seed = Sample().evaluation;
  BenchedTask task;
  FillFrom(answer, kModules, task);
  EXPECT_FALSE(task.coverage.has_value());
  answer.over_seed->module.emplace().coverage = 0.25;
  FillFrom(answer, kModules, task);  // the answer itself was not timed: it is the start
  EXPECT_EQ(task.coverage, 0.25);
  answer.evaluation.module.emplace().coverage = 0.5;
  FillFrom(answer, kModules, task);
  EXPECT_EQ(task.coverage, 0.5);
}

TEST(FinalAnswer, ThatIsWrongCountsZeroWhateverTheSearchBelieved) {
  FinalAnswer answer = Sample();
  answer.evaluation.outcome = LaunchFailed{"no such symbol"};
  BenchedTask task;
  task.in_search = {4, 5, 6};
  FillFrom(answer, kKernels, task);
  EXPECT_EQ(task.state, AnswerState::kWrong);
  EXPECT_EQ(task.speedup.mid, 0);
  EXPECT_TRUE(task.baselines.empty());
  EXPECT_NE(task.reason.find("no such symbol"), std::string::npos);
}

}  // namespace
}  // namespace ks
