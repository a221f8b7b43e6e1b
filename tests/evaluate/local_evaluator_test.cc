#include "evaluate/local_evaluator.h"

#include <gtest/gtest.h>

#include "evaluate/device_judge.h"
#include "tests/evaluate/fake_device.h"

namespace ks {
namespace {

class LocalEvaluatorTest : public ::testing::Test {
 protected:
  LocalEvaluatorTest()
      : evaluator_(task_, backend_, std::make_unique<DeviceJudge>(task_, backend_, config_, 5),
                   config_) {}
  Evaluation Evaluate(const EvaluationRequest& request) {
    const Result<Evaluation> evaluation = evaluator_.Evaluate(request, {});
    EXPECT_TRUE(evaluation.ok()) << evaluation.error().message;
    return evaluation.value_or({});
  }
  static EvaluationRequest Of(const std::string& source) {
    EvaluationRequest request;
    request.source = source;
    return request;
  }

  Task task_ = DoublingTask();
  EvaluationConfig config_;
  FakeDeviceBackend backend_{7};
  LocalEvaluator evaluator_;
};

TEST_F(LocalEvaluatorTest, JudgesDeviceCodeFromCompileToTiming) {
  const Evaluation evaluation = Evaluate(Of("ns 4000"));
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr) << OutcomeSummary(evaluation.outcome);
  const Measured& measured = *AsMeasured(evaluation.outcome);
  EXPECT_GT(measured.speedup.low, 2.4);
  EXPECT_TRUE(measured.gain_significant);
  ASSERT_TRUE(evaluation.device);
  EXPECT_EQ(evaluation.device->registers, 40);
  EXPECT_GT(evaluation.seconds.check, 0);
  EXPECT_GT(evaluation.seconds.time, 0);
}

TEST_F(LocalEvaluatorTest, KeepsTheCompilersMessages) {
  const Evaluation evaluation = Evaluate(Of("no_compile"));
  ASSERT_STREQ(OutcomeName(evaluation.outcome), "compile_failed");
  EXPECT_EQ(backend_.device().started, 0) << "no device is touched for it";
}

TEST_F(LocalEvaluatorTest, ConfirmsAChampionInAFreshRunner) {
  EvaluationRequest request = Of("ns 4000");
  request.parent = Rival{"ns 8000", {1.24, 1.25, 1.26}, true};
  request.champion = request.parent;
  request.held_out = true;
  const Evaluation evaluation = Evaluate(request);
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_TRUE(AsMeasured(evaluation.outcome)->confirmed);
  EXPECT_NEAR(AsMeasured(evaluation.outcome)->speedup.mid, 2.5, 0.05);
  EXPECT_EQ(evaluation.held_out.size(), 1U);
  EXPECT_GE(backend_.device().started, 2);
}

TEST_F(LocalEvaluatorTest, FallsBackToTheBaselineWhenTheParentBreaks) {
  EvaluationRequest request = Of("ns 4000");
  request.parent = Rival{"crash_call crash_pairs", {1.9, 2.0, 2.1}, false};
  const Evaluation evaluation = Evaluate(request);
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_NEAR(AsMeasured(evaluation.outcome)->speedup.mid, 2.5, 0.05);
}

std::vector<std::string> Timed(const Evaluation& evaluation) {
  std::vector<std::string> workloads;
  const Measured* const measured = AsMeasured(evaluation.outcome);
  if (measured == nullptr) return workloads;
  for (const WorkloadTiming& timing : measured->timings) workloads.push_back(timing.workload);
  return workloads;
}

TEST_F(LocalEvaluatorTest, TimesOnlyTheCheapestWorkloadOfACandidateFarBehind) {
  EvaluationRequest request = Of("ns 40000");
  request.parent = Rival{"ns 9999", {1, 1, 1}, true};
  const Evaluation evaluation = Evaluate(request);
  EXPECT_EQ(Timed(evaluation), (std::vector<std::string>{"n=1000"}));
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr);
  EXPECT_LT(AsMeasured(evaluation.outcome)->gain.high, 1);
  EXPECT_NEAR(AsMeasured(evaluation.outcome)->gain.mid, 0.25, 0.01);
}

TEST_F(LocalEvaluatorTest, TimesAllWorkloadsOfACandidateThatMayStillGain) {
  EvaluationRequest request = Of("ns 12000");
  request.parent = Rival{"ns 9999", {1, 1, 1}, true};
  EXPECT_EQ(Timed(Evaluate(request)).size(), 2U);
}

TEST_F(LocalEvaluatorTest, TimesAllWorkloadsWhenBehindTheChampionButAheadOfTheParent) {
  EvaluationRequest request = Of("ns 5000");
  request.parent = Rival{"ns 9999", {1, 1, 1}, true};
  request.champion = Rival{"ns 2000", {4.9, 5, 5.1}, true};  // stands in for the slow parent
  const Evaluation evaluation = Evaluate(request);
  EXPECT_EQ(Timed(evaluation).size(), 2U);
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr);
  EXPECT_NEAR(AsMeasured(evaluation.outcome)->gain.mid, 2, 0.1);
}

TEST_F(LocalEvaluatorTest, TimesAllWorkloadsOfAProbeOfTheBaseline) {
  EXPECT_EQ(Timed(Evaluate(Of("ns 40000"))).size(), 2U);
}

TEST_F(LocalEvaluatorTest, TimesTheSeedAgainstItselfWithoutAGain) {
  const Evaluation evaluation = Evaluate(Of("ns 10000"));
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr);
  EXPECT_EQ(AsMeasured(evaluation.outcome)->speedup, (Interval{1, 1, 1}));
}

}  // namespace
}  // namespace ks
