#include "evaluate/cascade.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/evaluate/fake_device.h"

namespace ks {
namespace {

// Time workloads n = 1000 and 4096, and two more that the task lists out of order.
Task FourWorkloads() {
  Task task = DoublingTask();
  for (const int64_t n : {50'000, 20'000}) {
    Workload workload;
    workload.name = "n=" + std::to_string(n);
    workload.axes = {{"n", n}};
    workload.role = WorkloadRole::kTime;
    task.workloads.push_back(workload);
  }
  return task;
}

class CascadeTest : public ::testing::Test {
 protected:
  // As a timer would leave it: one more workload with this ratio.
  void Time(double ratio) {
    WorkloadTiming timing;
    timing.workload = workloads_[cascade_.order()[result_.timings.size()]]->name;
    timing.gain = {ratio * 0.99, ratio, ratio * 1.01};
    result_.timings.push_back(timing);
    bottlenecks_.push_back(timing.workload);
  }

  const Task task_ = FourWorkloads();
  const std::vector<const Workload*> workloads_ = task_.WorkloadsOf(WorkloadRole::kTime);
  Cascade cascade_{task_, workloads_, 1.0};
  TimingResult result_;
  std::vector<std::string> bottlenecks_;
};

TEST_F(CascadeTest, OrdersByCost) {
  EXPECT_EQ(cascade_.order(), (std::vector<size_t>{0, 1, 3, 2}));
  EXPECT_EQ(Cascade(task_, workloads_, 0).order(), (std::vector<size_t>{0, 1, 2, 3}));
}

TEST_F(CascadeTest, GivesUpOnlyWhenTheRestCannotMakeItGood) {
  Time(0.35);  // 0.35 * 1.5^3 = 1.18
  EXPECT_FALSE(cascade_.IsHopeless(result_));
  Time(0.9);  // 0.35 * 0.9 * 1.5^2 = 0.71
  EXPECT_TRUE(cascade_.IsHopeless(result_));
}

TEST_F(CascadeTest, NeverGivesUpWithoutABar) {
  Time(0.01);
  EXPECT_TRUE(cascade_.IsHopeless(result_));
  EXPECT_FALSE(Cascade(task_, workloads_, 0).IsHopeless(result_));
  EXPECT_FALSE(Cascade(task_, workloads_, 1e-4).IsHopeless(result_));
}

TEST_F(CascadeTest, CountsWhatWasNotTimedAsUncertain) {
  Time(0.2);
  cascade_.Finish(bottlenecks_, result_);
  EXPECT_EQ(result_.timings.size(), 1U);
  EXPECT_NEAR(result_.gain.mid, 0.2, 1e-9);
  EXPECT_LT(result_.gain.high, 1);
  EXPECT_GT(result_.gain.high, 0.4);
  EXPECT_LT(result_.gain.low, 0.2);
}

TEST_F(CascadeTest, GivesTimingsAndTheBottleneckInTheOrderOfTheTask) {
  for (const double ratio : {1.0, 2.0, 3.0, 4.0}) Time(ratio);
  cascade_.Finish(bottlenecks_, result_);
  std::vector<std::string> names;
  for (const WorkloadTiming& timing : result_.timings) names.push_back(timing.workload);
  EXPECT_EQ(names, (std::vector<std::string>{"n=1000", "n=4096", "n=50000", "n=20000"}));
  EXPECT_EQ(result_.bottleneck, "n=1000");
  EXPECT_NEAR(result_.gain.mid, std::pow(24, 0.25), 1e-9);
  EXPECT_NEAR(result_.timings[2].gain.mid, 4, 1e-9);
}

}  // namespace
}  // namespace ks
