#include "task/library.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/launch_plan.h"
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
  const Task task = ForDeviceClass(*loaded, "cpu");
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
  const Task task = Without(ForDeviceClass(*loaded, "cpu"), WorkloadRole::kHeldOut);
  const auto runner = NativeGateRunner::Create(task, "-O3 -ffast-math");
  ASSERT_TRUE(runner.ok()) << runner.error().message;
  EXPECT_EQ(RefusalOf(task, **runner, 7), "");
}

// Where a workload of a plan of `seed` does not parse or bind: what is said; else empty.
std::string PlanComplaint(const Task& task, const SeedKernel& seed) {
  const auto parsed = ParseLaunchPlan(seed.source);
  if (const auto* wrong = std::get_if<Diagnostic>(&parsed)) return wrong->message;
  const auto& plan = std::get<LaunchPlan>(parsed);
  for (const Workload& workload : task.workloads) {
    const auto bound = BindLaunchPlan(plan, seed.source, task, workload, LaunchLimits());
    if (const auto* wrong = std::get_if<Diagnostic>(&bound)) {
      return workload.name + ": " + wrong->message;
    }
    if (const auto* failed = std::get_if<LaunchFailed>(&bound)) return OutcomeSummary(*failed);
    if (std::get<BoundPlan>(bound).steps.empty()) return workload.name + ": nothing is launched";
  }
  return "";
}

TEST_P(LibraryTask, HasDeviceSeedsWhoseLaunchPlansBindOnEveryWorkload) {
  const TaskLibrary library;
  const auto task = library.Load(GetParam());
  ASSERT_TRUE(task.ok()) << task.error().message;
  for (const char* backend : {"cuda", "triton"}) {
    const SeedKernel* seed = task->FindSeed(backend);
    ASSERT_NE(seed, nullptr) << backend;
    EXPECT_EQ(PlanComplaint(ForDeviceClass(*task, "gpu"), *seed), "") << backend;
  }
  const SeedKernel* opencl = task->FindSeed("opencl");
  if (opencl == nullptr) return;
  EXPECT_EQ(PlanComplaint(ForDeviceClass(*task, "gpu"), *opencl), "");
  EXPECT_EQ(PlanComplaint(ForDeviceClass(*task, "cpu"), *opencl), "");
}

TEST_P(LibraryTask, IsTimedOnSizesOfEachDeviceAndCheckedOnTheSameOnes) {
  const TaskLibrary library;
  const auto task = library.Load(GetParam());
  ASSERT_TRUE(task.ok()) << task.error().message;
  const Task cpu = ForDeviceClass(*task, "cpu");
  const Task gpu = ForDeviceClass(*task, "gpu");
  for (const WorkloadRole role : {WorkloadRole::kTime, WorkloadRole::kHeldOut}) {
    ASSERT_FALSE(cpu.WorkloadsOf(role).empty());
    ASSERT_FALSE(gpu.WorkloadsOf(role).empty());
    for (const Workload* small : cpu.WorkloadsOf(role)) {
      for (const Workload* large : gpu.WorkloadsOf(role)) {
        EXPECT_GT(CostOf(*task, *large).value_or({}).bytes,
                  CostOf(*task, *small).value_or({}).bytes);
      }
    }
  }
  for (const Workload* check : task->WorkloadsOf(WorkloadRole::kCheck)) EXPECT_EQ(check->on, "");
}

INSTANTIATE_TEST_SUITE_P(Cpu, LibraryTask, testing::ValuesIn(TaskLibrary().names()),
                         [](const auto& each) { return each.param; });

TEST(TaskLibrary, HoldsTheTasksThatTheDocumentsSay) {
  const TaskLibrary library;
  const std::vector<std::string> names = {
      "argmax",         "attention",       "attention_block",
      "batched_matmul", "conv2d",          "conv2d_relu_hardswish",
      "cross_entropy",  "cumsum",          "depthwise_conv",
      "gelu",           "gemm_group_norm", "histogram",
      "layer_norm",     "log_softmax",     "matmul",
      "matmul_bf16",    "matmul_outer",    "matmul_tall_k",
      "matmul_tf32",    "matvec",          "max_pool2d",
      "rms_norm",       "softmax",         "spmv",
      "sum_middle",     "swish",           "transpose"};
  EXPECT_EQ(library.names(), names);
  std::set<std::string> hashes;
  size_t with_opencl = 0;
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
    with_opencl += task->FindSeed("opencl") != nullptr ? 1 : 0;
  }
  EXPECT_EQ(with_opencl, 10u);
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
