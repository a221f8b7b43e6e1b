#include "task/library.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "task/gate.h"
#include "tests/task/native_gate_runner.h"

namespace ks {
namespace {

// Without workloads of `role`: the large ones would run for long without telling more.
Task Without(Task task, WorkloadRole role) {
  std::erase_if(task.workloads, [role](const Workload& each) { return each.role == role; });
  return task;
}

std::string RefusalOf(const Task& task, GateRunner& runner, uint64_t seed) {
  const auto report = RunGate(task, runner, seed);
  return report.ok() ? report->Refusal() : report.error().message;
}

class LibraryTask : public testing::TestWithParam<std::string> {};

TEST_P(LibraryTask, IsAdmittedByTheGate) {
  const TaskLibrary library;
  const auto loaded = library.Load(GetParam());
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Task& task = *loaded;
  const auto runner = NativeGateRunner::Create(task);
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  EXPECT_EQ(RefusalOf(task, **runner, 1), "");
  const Task checks = Without(Without(task, WorkloadRole::kTime), WorkloadRole::kHeldOut);
  for (uint64_t seed = 2; seed < 5; ++seed) EXPECT_EQ(RefusalOf(checks, **runner, seed), "");
}

TEST_P(LibraryTask, AdmitsTheSeedUnderAggressiveFlags) {
  const TaskLibrary library;
  const auto loaded = library.Load(GetParam());
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  if (!loaded->allow_reassociation) GTEST_SKIP() << "the task does not allow reassociation";
  const Task task = Without(*loaded, WorkloadRole::kHeldOut);
  const auto runner = NativeGateRunner::Create(task, "-O3 -ffast-math");
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  EXPECT_EQ(RefusalOf(task, **runner, 7), "");
}

INSTANTIATE_TEST_SUITE_P(Cpu, LibraryTask, testing::ValuesIn(TaskLibrary().names()),
                         [](const auto& each) { return each.param; });

TEST(TaskLibrary, HoldsTheTasksOfTheFirstRelease) {
  const TaskLibrary library;
  const std::vector<std::string> names = {
      "argmax",         "attention", "batched_matmul", "conv2d",     "cross_entropy", "cumsum",
      "depthwise_conv", "gelu",      "histogram",      "layer_norm", "log_softmax",   "matmul",
      "matvec",         "rms_norm",  "softmax",        "spmv",       "sum_middle",    "transpose"};
  EXPECT_EQ(library.names(), names);
  std::set<std::string> hashes;
  for (const std::string& name : names) {
    const auto task = library.Load(name);
    ASSERT_TRUE(task.ok()) << task.error().message;
    EXPECT_EQ(task->origin, "embedded");
    EXPECT_EQ(task->name, name);
    EXPECT_GE(task->WorkloadsOf(WorkloadRole::kCheck).size(), 4u) << name;
    EXPECT_GE(task->WorkloadsOf(WorkloadRole::kHeldOut).size(), 1u) << name;
    EXPECT_EQ(task->max_threads, 1);
    EXPECT_EQ(task->hash.size(), 64u);
    hashes.insert(task->hash);
  }
  EXPECT_EQ(hashes.size(), names.size());
}

TEST(TaskLibrary, SuggestsTheNearestNameForAnUnknownTask) {
  const auto task = TaskLibrary().Load("sofmax");
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.error().code, ErrorCode::kNotFound);
  EXPECT_NE(task.error().message.find("did you mean 'softmax'?"), std::string::npos);
}

TEST(TaskLibrary, FindsAFolderByPathAndALibraryTaskByName) {
  const TaskLibrary library;
  MemoryFileSystem files;
  const auto by_name = library.Find(files, "matmul");
  ASSERT_TRUE(by_name.ok()) << by_name.error().message;
  EXPECT_EQ(by_name->origin, "embedded");
  const auto by_path = library.Find(files, "./matmul");
  ASSERT_FALSE(by_path.ok());
  EXPECT_NE(by_path.error().message.find("./matmul/task.toml is missing"), std::string::npos);
}

}  // namespace
}  // namespace ks
