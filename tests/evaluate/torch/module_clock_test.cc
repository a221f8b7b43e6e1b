#include "evaluate/torch/module_clock.h"

#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <vector>

namespace ks {
namespace {

constexpr int kCalls = 32;
constexpr double kEmptyNs = 4e6;

// Runs without a module.
std::vector<ModuleRun> Empty() {
  std::vector<ModuleRun> runs;
  for (int i = 0; i < 7; ++i) runs.push_back({kCalls, 2e3, kEmptyNs + 2e3 * i, 100e3, 50e3});
  return runs;
}

// Runs of calls that take `inside_ns` by the marks and `real_ns` by the clock outside, with the
// waking-up of a busy machine.
std::vector<ModuleRun> Runs(double inside_ns, double real_ns) {
  std::vector<ModuleRun> runs;
  for (int i = 0; i < 12; ++i) {
    const double noise_ns = i % 5 == 4 ? 3e5 : 1e4 * (i % 3);
    runs.push_back({kCalls, inside_ns, kEmptyNs + kCalls * real_ns + noise_ns, 100e3, 50e3});
  }
  return runs;
}

TEST(ModuleClock, BelievesMarksThatTheClockOutsideAgreesWith) {
  EXPECT_FALSE(CheckModuleClock(Runs(50e3, 50e3), Empty()));
  EXPECT_FALSE(CheckModuleClock(Runs(50e3, 54e3), Empty())) << "Python's call is between them";
  EXPECT_FALSE(CheckModuleClock(Runs(2e3, 4e3), Empty())) << "a very short kernel";
}

TEST(ModuleClock, RefusesMarksThatHideWork) {
  const auto rejected = CheckModuleClock(Runs(10e3, 50e3), Empty());
  ASSERT_TRUE(rejected.has_value());
  EXPECT_EQ(rejected->rule, "timer_tampered");
  EXPECT_TRUE(CheckModuleClock(Runs(500e3, 600e3), Empty()));
}

TEST(ModuleClock, RefusesMarksThatAreLongerThanTheRun) {
  EXPECT_TRUE(CheckModuleClock(Runs(5e6, 50e3), Empty()));
}

TEST(ModuleClock, RefusesMarksThatAreNoTimes) {
  EXPECT_TRUE(CheckModuleClock(Runs(0, 50e3), Empty()));
  EXPECT_TRUE(CheckModuleClock(Runs(-1, 50e3), Empty()));
  EXPECT_TRUE(CheckModuleClock(Runs(std::numeric_limits<double>::quiet_NaN(), 50e3), Empty()));
}

std::vector<ModuleRun> Ready(std::vector<ModuleRun> runs, double ready_ns) {
  for (ModuleRun& run : runs) run.ready_ns = ready_ns;
  return runs;
}

TEST(ModuleClock, RefusesADeviceThatIsNotAtRest) {
  std::vector<ModuleRun> runs = Ready(Runs(50e3, 50e3), 380e3);
  EXPECT_FALSE(CheckModuleRest(runs, 150e3)) << "noise of short times";
  runs = Ready(runs, 2e6);
  EXPECT_FALSE(CheckModuleRest(runs, 0)) << "nothing to compare with";
  EXPECT_FALSE(CheckModuleRest(std::span(runs).first(2), 150e3));
  const auto rejected = CheckModuleRest(runs, 150e3);
  ASSERT_TRUE(rejected.has_value());
  EXPECT_EQ(rejected->rule, "timer_tampered");
  for (size_t i = 0; i < runs.size() / 2; ++i) runs[2 * i].ready_ns = 150e3;
  EXPECT_FALSE(CheckModuleRest(runs, 150e3)) << "others on the machine, now and then";
  EXPECT_EQ(RestNs(runs), 150e3);
  EXPECT_EQ(RestNs({}), 0);
}

TEST(ModuleClock, ChargesWorkBeforeGoAndAfterDone) {
  const std::vector<ModuleRun> runs = Runs(1e3, 5e3);  // it says it takes next to nothing
  EXPECT_FALSE(CheckModuleClock(runs, Empty()));
  for (const auto part : {&ModuleRun::ready_ns, &ModuleRun::kept_ns}) {
    std::vector<ModuleRun> hiding = runs;
    for (ModuleRun& run : hiding) run.*part += 90e3;
    ChargeExcess(hiding, Empty());
    EXPECT_NEAR(hiding[0].wall_ns, runs[0].wall_ns + kCalls * 90e3, 1);
    EXPECT_TRUE(CheckModuleClock(hiding, Empty()));
    for (ModuleRun& run : hiding) run.*part = 10e3;
    const double before_ns = hiding[0].wall_ns;
    ChargeExcess(hiding, Empty());
    EXPECT_EQ(hiding[0].wall_ns, before_ns) << "quicker than usual gives nothing back";
  }
}

TEST(ModuleClock, GivesNoGainForALoadWhileTheRivalRuns) {
  const Interval gain = {1.9, 2.0, 2.1};
  const auto within = [&](double of_rival_ns, double of_candidate_ns) {
    return WithinClock(gain, Ready(Runs(100e3, 100e3), of_rival_ns),
                       Ready(Runs(50e3, 50e3), of_candidate_ns), Empty(), 0.995);
  };
  EXPECT_GT(within(150e3, 145e3).low, 1.5) << "noise";
  EXPECT_LT(within(300e3, 150e3).low, 1.05);
  EXPECT_LT(within(300e3, 150e3).mid, 1.1);
}

TEST(ModuleClock, SaysNothingOfTwoRuns) {
  const std::vector<ModuleRun> runs = Runs(10e3, 50e3);
  EXPECT_FALSE(CheckModuleClock(std::span(runs).first(2), Empty()));
  const std::vector<ModuleRun> empty = Empty();
  EXPECT_FALSE(CheckModuleClock(runs, std::span(empty).first(2)));
}

TEST(WithinClock, KeepsAGainThatTheClockOutsideSawToo) {
  const Interval gain =
      WithinClock({1.95, 2.0, 2.05}, Runs(100e3, 102e3), Runs(50e3, 52e3), Empty(), 0.99);
  EXPECT_NEAR(gain.low, 1.94, 0.03);
  EXPECT_DOUBLE_EQ(gain.mid, 2.0);
  EXPECT_DOUBLE_EQ(gain.high, 2.05);
}

TEST(WithinClock, MarksThatLieGainNothing) {
  const Interval gain =
      WithinClock({280, 290, 300}, Runs(100e3, 102e3), Runs(0.3e3, 102e3), Empty(), 0.99);
  EXPECT_LE(gain.low, 1.0);
  EXPECT_LT(gain.mid, 1.06);
  const Interval small =
      WithinClock({1.03, 1.04, 1.05}, Runs(100e3, 102e3), Runs(96e3, 102e3), Empty(), 0.99);
  EXPECT_LE(small.low, 1.0) << "also within what the check of the clock lets pass";
}

TEST(WithinClock, LiesOfBothSidesGainNothingEither) {
  // True: 100 and 98 us. Said: 1 us and next to nothing.
  const Interval gain =
      WithinClock({45, 50, 55}, Runs(1e3, 102e3), Runs(0.02e3, 100e3), Empty(), 0.99);
  EXPECT_LT(gain.low, 1.03);
  EXPECT_LT(gain.mid, 1.08);
  // The rival says that it takes twice what it does.
  const Interval boast =
      WithinClock({1.9, 2.0, 2.1}, Runs(200e3, 102e3), Runs(100e3, 102e3), Empty(), 0.99);
  EXPECT_LE(boast.low, 1.0);
  EXPECT_LT(boast.mid, 1.06);
}

TEST(WithinClock, ADriftOfTheMachineCancelsOut) {
  std::vector<ModuleRun> rival = Runs(100e3, 102e3), candidate = Runs(50e3, 52e3);
  for (size_t i = 0; i < rival.size(); ++i) {
    const double drift_ns = kCalls * 20e3 * static_cast<double>(i);  // from run to run
    rival[i].wall_ns += drift_ns, candidate[i].wall_ns += drift_ns;
  }
  const Interval gain = WithinClock({1.95, 2.0, 2.05}, rival, candidate, Empty(), 0.99);
  EXPECT_LT(gain.low, 1.7) << "what the candidate takes outside is not known well";
  EXPECT_GT(gain.low, 1.2);
}

TEST(WithinClock, ABusyMachineWidensAndNeverHelps) {
  std::vector<ModuleRun> empty = Empty();
  for (ModuleRun& run : empty) run.wall_ns += &run == &empty[0] ? 0 : 5e6;
  const Interval gain =
      WithinClock({280, 290, 300}, Runs(100e3, 102e3), Runs(0.3e3, 102e3), empty, 0.99);
  EXPECT_LE(gain.low, 1.0);
  EXPECT_LE(gain.mid, 1.06);
  const Interval unknown = WithinClock({2, 3, 4}, {}, {}, empty, 0.99);
  EXPECT_LE(unknown.low, 1.0);
  EXPECT_LE(unknown.mid, 1.0);
}

TEST(ModuleClock, AllowsForWhatABusyMachineAdds) {
  std::vector<ModuleRun> empty = Empty();
  for (ModuleRun& run : empty) run.wall_ns += &run == &empty[0] ? 0 : 2e6;
  EXPECT_FALSE(CheckModuleClock(Runs(50e3, 150e3), empty));
}

}  // namespace
}  // namespace ks
