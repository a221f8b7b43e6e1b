#include "evaluate/device_judge.h"

#include <gtest/gtest.h>

#include <thread>

#include "measure/paired.h"
#include "tests/evaluate/fake_device.h"

namespace ks {
namespace {

class DeviceJudgeTest : public ::testing::Test {
 protected:
  DeviceJudge& judge() {
    if (judge_ == nullptr) {
      judge_ = std::make_unique<DeviceJudge>(task_, backend_, config_, 11);
    }
    return *judge_;
  }
  // As OutcomeName; "passed".
  std::string Check(const std::string& kernel) {
    const auto result = judge().Check(FakeKernel(kernel), ++seed_, seconds_, {});
    if (!result.ok()) return "error: " + result.error().message;
    last_ = result->fault;
    return last_ ? OutcomeName(*last_) : "passed";
  }
  Result<TimingResult> Compare(const std::string& rival, const std::string& candidate,
                               bool fresh = false) {
    TimingPlan plan;
    plan.rule.confidence = config_.confidence;
    plan.secret_seed = ++seed_;
    plan.fresh = fresh;
    return judge().Compare(FakeKernel(rival), FakeKernel(candidate), plan, seconds_, {});
  }
  FakeDevice& device() { return backend_.device(); }

  Task task_ = DoublingTask();
  EvaluationConfig config_;
  FakeDeviceBackend backend_{3};
  StageSeconds seconds_;
  std::optional<Outcome> last_;
  uint64_t seed_ = 100;
  std::unique_ptr<DeviceJudge> judge_;
};

TEST_F(DeviceJudgeTest, PassesARightKernelOnOneRunner) {
  EXPECT_EQ(Check("ns 10"), "passed");
  EXPECT_EQ(Check("ns 20"), "passed");
  EXPECT_EQ(device().started, 1);
  EXPECT_EQ(device().calls, 2 * (5 + 1) * 2);  // two workloads, the first trial twice
  judge_.reset();
  EXPECT_EQ(device().returned, 1);
}

TEST_F(DeviceJudgeTest, AsksTheOracleOnlyOnceForAContent) {
  for (int i = 0; i < 40; ++i) EXPECT_EQ(Check("ns 10"), "passed");
  const int contents = static_cast<int>(ContentBank::kContentsPerTrial) * 5 * 2;
  EXPECT_LE(backend_.reference_backend().oracle_calls, contents);
  EXPECT_GT(backend_.reference_backend().oracle_calls, contents / 2);
}

TEST_F(DeviceJudgeTest, FindsAWrongResultInTheFirstBatch) {
  EXPECT_EQ(Check("wrong"), "wrong_result");
  const auto& wrong = std::get<WrongResult>(*last_);
  EXPECT_EQ(wrong.output, "y");
  EXPECT_EQ(wrong.mismatches, 1);
  EXPECT_FALSE(wrong.in_timed_call);
  EXPECT_EQ(device().calls, 2 * 2);
  EXPECT_EQ(device().started, 1) << "a wrong result is no reason to kill the runner";
}

TEST_F(DeviceJudgeTest, CallsARacyKernelNondeterministic) {
  EXPECT_EQ(Check("racy"), "nondeterministic");
  const auto& found = std::get<Nondeterministic>(*last_);
  EXPECT_EQ(found.output, "y");
  EXPECT_NEAR(found.second - found.first, 1, 1e-3);
}

TEST_F(DeviceJudgeTest, LetsAtomicsDifferWithinTheTolerance) {
  EXPECT_EQ(Check("atomics"), "passed");
}

TEST_F(DeviceJudgeTest, ReplacesARunnerThatACandidateKilled) {
  EXPECT_EQ(Check("crash_call"), "crashed");
  EXPECT_EQ(Check("guard"), "out_of_bounds");
  EXPECT_EQ(Check("crash_load"), "crashed");
  EXPECT_EQ(Check("ns 10"), "passed");
  EXPECT_EQ(device().started, 4);
}

TEST_F(DeviceJudgeTest, KeepsARunnerThatOnlyRefusedAProgram) {
  EXPECT_EQ(Check("no_load"), "launch_failed");
  EXPECT_EQ(Check("ns 10"), "passed");
  EXPECT_EQ(device().started, 1);
}

TEST_F(DeviceJudgeTest, GivesNativeCandidatesAProcessEach) {
  backend_.mutable_machine().device->is_cpu = true;
  EXPECT_EQ(Check("ns 10"), "passed");
  EXPECT_EQ(Check("ns 20"), "passed");
  EXPECT_EQ(device().started, 2);
  EXPECT_EQ(device().returned, 2);
}

TEST_F(DeviceJudgeTest, RetriesOurOwnFaultOnce) {
  device().unavailable = 1;
  EXPECT_EQ(Check("ns 10"), "passed");
  EXPECT_EQ(device().started, 2);
  device().unavailable = 2;
  EXPECT_EQ(Check("ns 10").substr(0, 5), "error");
  EXPECT_EQ(Check("ns 10"), "passed");
  device().unavailable = 1;
  const auto timing = Compare("ns 10000", "ns 5000");
  ASSERT_TRUE(timing.ok()) << timing.error().message;
  EXPECT_GT(timing->gain.low, 1.9);
  EXPECT_EQ(timing->timings.size(), 2U);
}

TEST_F(DeviceJudgeTest, FindsAGainAndReportsWhatTheDriverSaw) {
  const auto timing = Compare("ns 10000", "ns 8000");
  ASSERT_TRUE(timing.ok());
  ASSERT_FALSE(timing->fault || timing->rival_failed);
  EXPECT_LE(timing->gain.low, 1.25);
  EXPECT_GE(timing->gain.high, 1.25);
  EXPECT_GT(timing->gain.low, 1.2);
  ASSERT_EQ(timing->timings.size(), 2U);
  EXPECT_NEAR(timing->timings[0].median_ns, 8000, 400);
  EXPECT_NEAR(timing->timings[0].parent_median_ns, 10000, 500);
  EXPECT_GE(timing->timings[0].pairs, 6);
  ASSERT_TRUE(timing->device);
  EXPECT_EQ(timing->device->registers, 40);
  EXPECT_EQ(timing->device->load_bits, 128) << "the compiler's knowledge stays";
  EXPECT_EQ(timing->bottleneck, "latency");
  EXPECT_GE(device().compares, 2) << "at least one a workload";
}

TEST_F(DeviceJudgeTest, FindsTwoPercent) {
  int found = 0;
  for (int i = 0; i < 40; ++i) {
    const auto timing = Compare("ns 50000", "ns 49000");  // 2 %: a gain must lie above 1 %
    ASSERT_TRUE(timing.ok());
    found += IsSignificantGain(timing->gain, 0.01) ? 1 : 0;
  }
  EXPECT_GE(found, 36);
}

TEST_F(DeviceJudgeTest, NeverCallsAKernelFasterThanItself) {
  // 600 comparisons of equal kernels; at most the level (0.25 % one-sided) would be 1.5.
  int significant = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    device().rng = Rng(seed);
    device().jitter = seed % 2 == 0 ? 0.002 : 0.008;
    const auto timing = Compare("ns 10000", "ns 10000 twin");
    ASSERT_TRUE(timing.ok());
    ASSERT_FALSE(timing->fault) << OutcomeSummary(*timing->fault);
    significant += IsSignificantGain(timing->gain, 0.01) ? 1 : 0;
  }
  EXPECT_EQ(significant, 0);
}

TEST_F(DeviceJudgeTest, KeepsContentsOnTheDeviceBetweenCandidates) {
  ASSERT_TRUE(Compare("ns 10000", "ns 5000").ok());
  const int uploads = device().uploads;
  EXPECT_EQ(uploads, 2);
  ASSERT_TRUE(Compare("ns 10000", "ns 7000").ok());
  EXPECT_EQ(device().uploads, uploads);
  EXPECT_EQ(device().loads, 3) << "the rival stays loaded";
}

TEST_F(DeviceJudgeTest, ConfirmsInAFreshProcessOnFreshContents) {
  ASSERT_TRUE(Compare("ns 10000", "ns 5000").ok());
  ASSERT_TRUE(Compare("ns 10000", "ns 5000", /*fresh=*/true).ok());
  EXPECT_EQ(device().started, 2);
  EXPECT_EQ(device().returned, 0) << "a process that ran candidates is never handed on as fresh";
  EXPECT_EQ(backend_.reference_backend().oracle_calls, 2)
      << "the oracle judges a timed size of what may become the champion";
}

TEST_F(DeviceJudgeTest, ConfirmsWhereContentsFitTheDeviceOnlyOnce) {
  ASSERT_TRUE(Compare("ns 10000", "ns 5000").ok());
  device().capacity = device().resident;
  const auto confirmed = Compare("ns 10000", "ns 5000", /*fresh=*/true);
  ASSERT_TRUE(confirmed.ok()) << confirmed.error().message;
}

TEST_F(DeviceJudgeTest, TriesAnotherFreshRunnerWhenTheFirstIsOutOfOrder) {
  ASSERT_TRUE(Compare("ns 10000", "ns 5000").ok());
  device().broken_starts = 1;
  const auto confirmed = Compare("ns 10000", "ns 5000", /*fresh=*/true);
  ASSERT_TRUE(confirmed.ok()) << confirmed.error().message;
}

TEST_F(DeviceJudgeTest, ConfirmationFindsWhatOnlyLargeSizesShow) {
  const auto timing = Compare("wrong_large", "ns 5000 wrong_large", /*fresh=*/true);
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_TRUE(std::get<WrongResult>(*timing->fault).in_timed_call);
}

TEST_F(DeviceJudgeTest, ProfilesByTheModelWhereThereIsNoProfiler) {
  const CompiledKernel kernel = FakeKernel("ns 10000");
  Evaluation evaluation;
  EXPECT_FALSE(judge().Profile(kernel, evaluation, {})->has_value()) << "nothing was measured";
  Measured measured;
  measured.timings.push_back({.workload = "n=4096", .median_ns = 10000});
  evaluation.outcome = measured;
  evaluation.device = kernel.device;
  const auto profile = judge().Profile(kernel, evaluation, {});
  ASSERT_TRUE(profile.ok()) << profile.error().message;
  ASSERT_TRUE(profile->has_value());
  EXPECT_EQ((*profile)->source, "model");
  EXPECT_FALSE((*profile)->note.empty());
  EXPECT_FALSE((*profile)->facts.empty());
}

TEST_F(DeviceJudgeTest, LetsTheOracleDecideWhoIsWrongInATimedCall) {
  auto timing = Compare("ns 10000", "ns 5000 wrong_large");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_TRUE(std::get<WrongResult>(*timing->fault).in_timed_call);
  timing = Compare("ns 10000 wrong_large", "ns 5000");
  ASSERT_TRUE(timing.ok());
  EXPECT_TRUE(timing->rival_failed);
  EXPECT_FALSE(timing->fault);
}

TEST_F(DeviceJudgeTest, BelievesTheRivalWhereTheOracleIsTooDear) {
  task_.flops = "n*1000000000";
  backend_.mutable_machine().device->peak_gflops_f32 = 0;  // no floor from these operations
  const auto timing = Compare("ns 10000", "ns 5000 wrong_large");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_EQ(std::get<WrongResult>(*timing->fault).mismatches, 1);
  EXPECT_EQ(backend_.reference_backend().oracle_calls, 0);
}

TEST_F(DeviceJudgeTest, TellsWhoseFaultABrokenRoundWas) {
  auto timing = Compare("ns 10000", "crash_pairs");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_STREQ(OutcomeName(*timing->fault), "crashed");
  timing = Compare("crash_call crash_pairs", "ns 10000");
  ASSERT_TRUE(timing.ok());
  EXPECT_TRUE(timing->rival_failed);
  EXPECT_FALSE(timing->fault);
  timing = Compare("crash_load", "ns 10000");
  ASSERT_TRUE(timing.ok());
  EXPECT_TRUE(timing->rival_failed);
  timing = Compare("ns 10000", "guard_pairs");
  ASSERT_TRUE(timing.ok());
  EXPECT_STREQ(OutcomeName(timing->fault.value_or(Measured{})), "out_of_bounds");
  timing = Compare("guard_pairs", "ns 10000");
  ASSERT_TRUE(timing.ok());
  EXPECT_TRUE(timing->rival_failed);
}

TEST_F(DeviceJudgeTest, LeavesThrottledPairsOut) {
  device().throttled = 0.3;
  const auto timing = Compare("ns 10000", "ns 8000");
  ASSERT_TRUE(timing.ok());
  EXPECT_NEAR(timing->gain.mid, 1.25, 0.02);
  EXPECT_NEAR(timing->timings[0].median_ns, 8000, 400);
  device().throttled = 1;
  const auto never = Compare("ns 10000", "ns 8000");
  ASSERT_FALSE(never.ok());
  EXPECT_NE(never.error().message.find("throttles"), std::string::npos);
}

TEST_F(DeviceJudgeTest, RefusesAnEventClockThatClaimsMoreThanPassed) {
  device().event_scale = 1.5;
  const auto timing = Compare("ns 900000", "ns 800000");
  ASSERT_FALSE(timing.ok());
  EXPECT_NE(timing.error().message.find("event clock"), std::string::npos);
  EXPECT_EQ(device().started, 2) << "tried again with a fresh runner";
}

TEST_F(DeviceJudgeTest, RejectsATimeBelowTheFloor) {
  const auto timing = Compare("ns 10000", "ns 300");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_EQ(std::get<Rejected>(*timing->fault).rule, "below_roofline");
}

TEST_F(DeviceJudgeTest, WidensTheIntervalOfAnUnsteadyKernelAndRefusesAWildOne) {
  auto timing = Compare("ns 100000", "ns 80000 jitter 0.04");
  ASSERT_TRUE(timing.ok());
  ASSERT_FALSE(timing->fault);
  EXPECT_LT(timing->timings[0].gain.low, 1.25 / 1.02);
  EXPECT_GT(timing->timings[0].gain.high, 1.25 * 1.02);
  timing = Compare("ns 100000", "ns 50000 jitter 0.2");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_EQ(std::get<Rejected>(*timing->fault).rule, "unsteady");
  device().jitter = 0.2;
  EXPECT_FALSE(Compare("ns 100000", "ns 50000").ok()) << "a device like that measures nothing";
  backend_.set_device_class("cpu");
  EXPECT_TRUE(Compare("ns 100000", "ns 50000").ok()) << "on a CPU the interval alone decides";
}

TEST_F(DeviceJudgeTest, StopsAHopelesslySlowCandidateAfterItsFirstPair) {
  const auto timing = Compare("ns 10000", "ns 5000000000");
  ASSERT_TRUE(timing.ok());
  ASSERT_TRUE(timing->fault);
  EXPECT_EQ(std::get<TimedOut>(*timing->fault).stage, "time");
  EXPECT_EQ(device().pairs, 1);
}

TEST_F(DeviceJudgeTest, MakesRoomForAWorkloadWhenTheDeviceIsFull) {
  device().capacity = 4096 * 4 + 100;
  const auto timing = Compare("ns 10000", "ns 8000");
  ASSERT_TRUE(timing.ok()) << timing.error().message;
  EXPECT_EQ(timing->timings.size(), 2U);
  device().capacity = 100;
  judge_.reset();
  const auto never = Compare("ns 10000", "ns 8000");
  ASSERT_FALSE(never.ok());
  EXPECT_EQ(never.error().code, ErrorCode::kResourceExhausted);
}

TEST(DeviceLease, GoesRoundInOrderAndSkipsWhoGaveUp) {
  DeviceLease lease;
  std::optional<Result<DeviceLease::Holder>> first(lease.Acquire({}));
  ASSERT_TRUE(first->ok());
  std::stop_source give_up;
  give_up.request_stop();
  EXPECT_EQ(lease.Acquire(give_up.get_token()).error().code, ErrorCode::kCancelled);
  std::jthread waiter([&] { EXPECT_TRUE(lease.Acquire({}).ok()); });
  first.reset();
  waiter.join();
  EXPECT_TRUE(lease.Acquire({}).ok());
}

}  // namespace
}  // namespace ks
