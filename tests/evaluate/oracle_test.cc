#include "evaluate/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/evaluate/fake_device.h"

namespace ks {
namespace {

// The doubling task with two sizes that only devices have.
Task LargeTask() {
  Task task = DoublingTask();
  for (const int64_t n : {int64_t{1} << 21, int64_t{1} << 22}) {
    Workload workload = task.workloads[0];
    workload.name = "n=" + std::to_string(n);
    workload.axes["n"] = n;
    workload.role = WorkloadRole::kTime;
    workload.on = "gpu";
    task.workloads.push_back(workload);
  }
  return task;
}

double LastOutput(Oracle& oracle, const Task& task, const Workload& workload) {
  const auto inputs = FillInputs(task, workload, 3, 0);
  EXPECT_TRUE(inputs.ok());
  const auto expected = oracle.Expected(workload, Views(*inputs), {});
  EXPECT_TRUE(expected.ok()) << expected.error().message;
  if (!expected.ok()) return 0;
  float in = 0;
  double out = 0;
  std::memcpy(&in, inputs->at(0).data() + inputs->at(0).size() - sizeof in, sizeof in);
  std::memcpy(&out, expected->at(0).data() + expected->at(0).size() - sizeof out, sizeof out);
  EXPECT_EQ(out, 2.0 * double{in});
  return out;
}

TEST(Oracle, LaysOutLargeWorkloadsOnlyWhenTheyAreAskedFor) {
  const Task task = LargeTask();
  FakeHostBackend host;
  Oracle oracle(task, host);
  EXPECT_TRUE(host.arenas.empty());
  for (size_t i = 0; i < 5; ++i) LastOutput(oracle, task, task.workloads[i]);
  EXPECT_EQ(host.arenas, std::vector<size_t>{5}) << "the small ones share a process";
  for (const size_t large : {5, 5, 6, 5}) LastOutput(oracle, task, task.workloads[large]);
  EXPECT_EQ(host.arenas, (std::vector<size_t>{5, 1, 1, 1})) << "one large one at a time";
  LastOutput(oracle, task, task.workloads[0]);
  EXPECT_EQ(host.arenas.size(), 4u) << "the small ones are still there";
}

}  // namespace
}  // namespace ks
