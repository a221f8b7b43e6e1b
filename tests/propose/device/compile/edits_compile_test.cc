// What the skills for device languages write compiles: their edits of the library's seeds, and
// edits of edits, through the compilers that a search uses (for sm_90, no device needed). By
// default one edit a skill and seed, of Triton (slow to compile) on two seeds a skill;
// KS_TEST_EDITS names another number for all seeds, KS_TEST_EDITS_OF a part of the name of seeds
// ("matmul").
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "backend/cuda/cuda_compiler.h"
#include "backend/triton/triton_compiler.h"
#include "base/file.h"
#include "base/text.h"
#include "propose/device/device_skill.h"
#include "task/library.h"
#include "task/loader.h"

namespace ks {
namespace {

constexpr int kThreads = 2;

struct Candidate {
  const Task* task;
  std::string title, source;
};

using Compile = std::function<Result<CompileOutcome>(const Task&, const std::string&)>;

Machine DeviceMachine() {
  Machine machine;
  DeviceInfo device;
  device.api = "cuda";
  device.arch = "sm_90";
  device.sm_count = 132;
  device.max_threads_per_block = 1024;
  device.shared_bytes_per_block = 227 << 10;
  machine.device = device;
  return machine;
}

LaunchLimits Limits() {
  LaunchLimits limits;
  limits.max_shared_bytes = 227 << 10;
  return limits;
}

// What is timed, the smallest check and another one: variants of them all would take minutes.
void KeepThree(Task& task) {
  std::vector<Workload> kept;
  size_t checks = 0;
  for (Workload& workload : task.workloads) {
    const bool check = workload.role == WorkloadRole::kCheck && checks++ < 2;
    if (check || workload.role == WorkloadRole::kTime) kept.push_back(std::move(workload));
  }
  task.workloads = std::move(kept);
}

// The library's tasks with a seed for that language.
std::vector<Task> TasksFor(const std::string& backend) {
  std::vector<Task> tasks;
  const char* const wanted = std::getenv("KS_TEST_EDITS_OF");
  std::set<std::string> folders;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(KS_SOURCE_DIR) + "/tasks")) {
    if (std::filesystem::exists(entry.path() / "task.toml")) folders.insert(entry.path().string());
  }
  for (const std::string& folder : folders) {
    if (wanted != nullptr && folder.find(wanted) == std::string::npos) continue;
    auto task = LoadTask(PosixFileSystem(), folder);
    if (!task.ok()) {
      ADD_FAILURE() << task.error().message;
      continue;
    }
    if (task->FindSeed(backend) == nullptr) continue;
    tasks.push_back(ForDeviceClass(*task, "gpu"));
    KeepThree(tasks.back());
  }
  return tasks;
}

// What is taken of all edits.
struct Sample {
  size_t per_skill_and_parent = 1, parents_per_skill = 1000;
};

Sample SampleFor(size_t parents_per_skill) {
  const char* const asked = std::getenv("KS_TEST_EDITS");
  if (asked == nullptr) return {1, parents_per_skill};
  return {static_cast<size_t>(ParseInt(asked).value_or(1)), 1000};
}

class Collector {
 public:
  Collector(std::string backend, const Sample& sample)
      : backend_(std::move(backend)), sample_(sample) {}

  // Edits that were not taken before.
  void Add(const Task& task, const std::string& title, const std::string& source) {
    const Machine machine = DeviceMachine();
    const auto context = DeviceContext::Make(source, task, machine, backend_, nullptr);
    ASSERT_NE(context, nullptr) << title << " cannot be read\n" << source;
    for (const auto& skill : AllDeviceSkills()) {
      if (parents_[skill->name()] == sample_.parents_per_skill) continue;
      size_t taken = 0;
      for (const Edit& edit : skill->Edits(*context)) {
        if (taken == sample_.per_skill_and_parent) break;
        if (!seen_.insert(edit.source).second) continue;
        ++taken;
        all_.push_back({&task, title + " / " + skill->name() + ": " + edit.rationale, edit.source});
      }
      parents_[skill->name()] += taken > 0 ? 1 : 0;
    }
  }
  std::vector<Candidate> Take() { return std::move(all_); }

 private:
  const std::string backend_;
  const Sample sample_;
  std::vector<Candidate> all_;
  std::set<std::string> seen_;
  std::map<std::string, size_t> parents_;
};

// Edits of the seeds; of each seed, the most promising edit is edited again.
std::vector<Candidate> CandidatesFor(const std::vector<Task>& tasks, const std::string& backend,
                                     const Sample& sample) {
  Collector collector(backend, sample);
  for (const Task& task : tasks) {
    const std::string& seed = task.FindSeed(backend)->source;
    collector.Add(task, task.name, seed);
    const Machine machine = DeviceMachine();
    const auto context = DeviceContext::Make(seed, task, machine, backend, nullptr);
    if (context == nullptr) continue;
    Edit best;
    best.expected_gain = 0;
    std::string name;
    for (const auto& skill : AllDeviceSkills()) {
      for (Edit& edit : skill->Edits(*context)) {
        if (edit.expected_gain <= best.expected_gain) continue;
        best = std::move(edit);
        name = skill->name();
      }
    }
    if (!name.empty()) collector.Add(task, task.name + " / " + name, best.source);
  }
  return collector.Take();
}

void ExpectAllCompile(const std::vector<Candidate>& all, const Compile& compile) {
  std::mutex mutex;
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t at = next++; at < all.size(); at = next++) {
      const auto outcome = compile(*all[at].task, all[at].source);
      const std::lock_guard lock(mutex);
      if (!outcome.ok()) {
        ADD_FAILURE() << all[at].title << "\n" << outcome.error().message;
      } else if (const auto* failed = std::get_if<CompileFailed>(&*outcome)) {
        ADD_FAILURE() << all[at].title << "\n" << failed->log << "\n" << all[at].source;
      } else if (const auto* refused = std::get_if<Rejected>(&*outcome)) {
        ADD_FAILURE() << all[at].title << "\n" << refused->evidence << "\n" << all[at].source;
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
}

TEST(DeviceEdits, CompileAsCudaCpp) {
  auto sandbox = Sandbox::Create();
  if (!sandbox.ok()) GTEST_SKIP() << sandbox.error().message;
  std::vector<std::string> roots;
  std::error_code problem;
  const std::filesystem::path lib = std::string(KS_SOURCE_DIR) + "/build/venv/lib";
  for (const auto& entry : std::filesystem::directory_iterator(lib, problem)) {
    roots.push_back((entry.path() / "site-packages").string());
  }
  CudaCompilerOptions options;
  options.toolkit = FindCudaToolkit(PosixFileSystem(), roots);
  options.limits = Limits();
  options.workers = kThreads;
  if (options.toolkit.nvrtc.empty()) GTEST_SKIP() << "no NVRTC here";
  if (options.toolkit.includes.empty()) GTEST_SKIP() << "no headers of CUDA here";
  auto compiler = CudaCompiler::Create(**sandbox, std::move(options), {});
  ASSERT_TRUE(compiler.ok()) << compiler.error().message;
  const std::vector<Task> tasks = TasksFor("cuda");
  const std::vector<Candidate> all = CandidatesFor(tasks, "cuda", SampleFor(1000));
  EXPECT_FALSE(all.empty());
  ExpectAllCompile(all, [&](const Task& task, const std::string& source) {
    return (*compiler)->Compile(task, source, {.timeout_s = 120}, {});
  });
}

TEST(DeviceEdits, CompileAsTriton) {
  auto sandbox = Sandbox::Create();
  if (!sandbox.ok()) GTEST_SKIP() << sandbox.error().message;
  const std::string own = std::string(KS_SOURCE_DIR) + "/build/venv/bin/python3";
  const auto python = access(own.c_str(), X_OK) == 0
                          ? ProbePython(own, "")
                          : ProbePython("python3", "/usr/local/bin:/usr/bin:/bin");
  if (!python.ok()) GTEST_SKIP() << python.error().message;
  if (python->triton_version.empty()) GTEST_SKIP() << "no Triton in " << python->executable;
  TritonCompilerOptions options;
  options.python = *python;
  options.limits = Limits();
  options.workers = kThreads;
  auto compiler = TritonCompiler::Create(**sandbox, std::move(options), {});
  ASSERT_TRUE(compiler.ok()) << compiler.error().message;
  const std::vector<Task> tasks = TasksFor("triton");
  const std::vector<Candidate> all = CandidatesFor(tasks, "triton", SampleFor(2));
  EXPECT_FALSE(all.empty());
  ExpectAllCompile(all, [&](const Task& task, const std::string& source) {
    return (*compiler)->Compile(task, source, {.timeout_s = 120}, {});
  });
}

}  // namespace
}  // namespace ks
