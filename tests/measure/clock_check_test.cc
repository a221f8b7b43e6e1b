#include "measure/clock_check.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ks {
namespace {

constexpr double kUs = 1e3;
constexpr double kMs = 1e6;

// What an honest single-threaded kernel of `call_ns` gives on a loaded machine: calls preempted for
// milliseconds, late wake-ups, CPU time of a few microseconds around the call.
std::vector<CallClock> HonestCalls(int count, double call_ns, uint64_t seed) {
  Rng rng(seed);
  std::vector<CallClock> calls;
  for (int i = 0; i < count; ++i) {
    const double preempted = rng.Chance(0.3) ? rng.Uniform() * 8 * kMs : 0;
    const double run = call_ns * (1 + 0.1 * rng.Uniform());
    const double wake = rng.Chance(0.2) ? rng.Uniform() * 12 * kMs : 50 * kUs * rng.Uniform();
    const double around = 8 * kUs * rng.Uniform() + (rng.Chance(0.02) ? 2 * kMs : 0);
    calls.push_back({run + preempted, run + preempted + wake + around, run + around});
  }
  return calls;
}

ClockRecord RecordOf(const std::vector<CallClock>& calls) {
  ClockRecord record;
  record.calls = calls;
  for (const CallClock& call : calls) record.total_cpu_ns += call.cpu_ns + 10 * kUs;
  return record;
}

std::string RuleOf(const ClockRecord& record) {
  const auto rejected = CheckClocks(record);
  return rejected ? rejected->rule : "";
}

TEST(ClockCheck, NeverRejectsAnHonestKernelOnALoadedMachine) {
  int trials = 0;
  for (const double call_ns : {20 * kUs, 50 * kUs, 1 * kMs, 50 * kMs}) {
    for (uint64_t seed = 0; seed < 2500; ++seed, ++trials) {
      const auto calls = HonestCalls(6 + static_cast<int>(seed % 60), call_ns, seed);
      const auto rejected = CheckClocks(RecordOf(calls));
      ASSERT_FALSE(rejected) << rejected->rule << ": " << rejected->evidence << " seed " << seed;
    }
  }
  EXPECT_EQ(trials, 10'000);
}

TEST(ClockCheck, RejectsATimeLongerThanTheParentsClockSaw) {
  auto calls = HonestCalls(20, kMs, 1);
  calls[7].inside_ns = calls[7].wall_ns * 1.5;
  EXPECT_EQ(RuleOf(RecordOf(calls)), "clock_exceeds_wall");
}

TEST(ClockCheck, RejectsNegativeAndNonFiniteTimes) {
  for (const double bad :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto calls = HonestCalls(20, kMs, 1);
    calls[3].inside_ns = bad;
    EXPECT_EQ(RuleOf(RecordOf(calls)), "clock_exceeds_wall") << bad;
  }
}

TEST(ClockCheck, RejectsACallThatUsesMoreCpuThanItClaims) {
  auto calls = HonestCalls(20, kMs, 1);
  for (CallClock& call : calls) call.inside_ns *= 0.5;  // a slowed clock
  EXPECT_EQ(RuleOf(RecordOf(calls)), "clock_hides_cpu");
}

TEST(ClockCheck, RejectsAClockThatLiesOnlyInTheCallsThatDecide) {
  auto calls = HonestCalls(40, kMs, 1);
  for (size_t i = 0; i < calls.size(); i += 4) calls[i].inside_ns = 0.3 * kMs;
  EXPECT_EQ(RuleOf(RecordOf(calls)), "clock_hides_cpu");
}

TEST(ClockCheck, AllowsMoreCpuThanTimeWhenThreadsAreAllowed) {
  auto calls = HonestCalls(20, kMs, 1);
  for (CallClock& call : calls) call.cpu_ns = 1.9 * call.inside_ns;
  ClockRecord record = RecordOf(calls);
  record.single_threaded = false;
  EXPECT_EQ(RuleOf(record), "");
}

TEST(ClockCheck, RejectsCpuUsedBetweenCallsEvenWithThreads) {
  const auto calls = HonestCalls(20, kMs, 1);
  for (const bool single : {true, false}) {
    ClockRecord record = RecordOf(calls);
    record.single_threaded = single;
    record.total_cpu_ns += 20 * kMs;
    EXPECT_EQ(RuleOf(record), "clock_cpu_between");
    record.harness_cpu_ns = 20 * kMs;  // it was the runner's own work
    EXPECT_EQ(RuleOf(record), "");
  }
}

TEST(ClockCheck, RejectsACallThatReturnsWhileTheProcessGoesOnWaiting) {
  auto calls = HonestCalls(20, kMs, 1);
  for (CallClock& call : calls) call.wall_ns += 30 * kMs;
  EXPECT_EQ(RuleOf(RecordOf(calls)), "clock_hides_waiting");
}

TEST(ClockCheck, SaysNothingAboutFewerThanThreeCalls) {
  const std::vector<CallClock> calls = {{5 * kMs, 1 * kMs, 9 * kMs}, {5 * kMs, 1 * kMs, 9 * kMs}};
  EXPECT_EQ(RuleOf(RecordOf(calls)), "");
}

}  // namespace
}  // namespace ks
