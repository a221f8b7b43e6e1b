// A tiny task and one backend for all tests of a file.
#ifndef KS_TESTS_BACKEND_CPU_FIXTURE_H_
#define KS_TESTS_BACKEND_CPU_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"

namespace ks {

// c[i] = s * a[i], i < n
inline Task ScaleTask(int max_threads = 1) {
  Task task;
  task.name = "scale";
  task.entry = "scale";
  task.max_threads = max_threads;
  task.axes = {"n"};
  BufferSpec a;
  a.name = "a";
  a.shape = {"n"};
  BufferSpec s;
  s.name = "s";
  s.scalar = true;
  BufferSpec c = a;
  c.name = "c";
  task.inputs = {a, s};
  task.outputs = {c};
  task.workloads = {{"n=37", {{"n", 37}}, WorkloadRole::kCheck},
                    {"n=64", {{"n", 64}}, WorkloadRole::kCheck},
                    {"n=5000", {{"n", 5000}}, WorkloadRole::kTime}};
  task.reference_source =
      "#include <cstdint>\nextern \"C\" void scale(const double* a, double s, double* c, int64_t "
      "n) {"
      "for (int64_t i = 0; i < n; ++i) c[i] = s * a[i]; }";
  task.hash = "scale";
  return task;
}

// `body` goes into the kernel; `before` in front of it.
inline std::string ScaleKernel(const std::string& body, const std::string& before = "") {
  return "#include <cstdint>\n" + before +
         "\nextern \"C\" void scale(const float* a, float s, float* c, int64_t n) {\n" + body +
         "\n}\n";
}
inline constexpr const char* kScaleLoop = "for (int64_t i = 0; i < n; ++i) c[i] = s * a[i];";

class CpuBackendTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto backend = CpuBackend::Create({.measure_ceilings = false});
    if (backend.ok()) {
      backend_ = backend->release();
    } else {
      problem_ = new std::string(backend.error().message);
    }
  }
  static void TearDownTestSuite() {
    const std::unique_ptr<CpuBackend> backend(std::exchange(backend_, nullptr));
    const std::unique_ptr<std::string> problem(std::exchange(problem_, nullptr));
  }
  void SetUp() override {
    if (backend_ == nullptr) GTEST_SKIP() << *problem_;
  }

  static CompileOutcome Compile(const Task& task, const std::string& source,
                                const CompileLimits& limits = {}) {
    auto outcome = backend_->Compile(task, source, limits, {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? *outcome : CompileOutcome(CompileFailed{});
  }
  static CompiledKernel MustCompile(const Task& task, const std::string& source) {
    CompileOutcome outcome = Compile(task, source);
    if (const auto* failed = std::get_if<CompileFailed>(&outcome)) ADD_FAILURE() << failed->log;
    if (const auto* refused = std::get_if<Rejected>(&outcome)) ADD_FAILURE() << refused->evidence;
    auto* kernel = std::get_if<CompiledKernel>(&outcome);
    EXPECT_NE(kernel, nullptr);
    return kernel == nullptr ? CompiledKernel{} : *kernel;
  }
  static std::unique_ptr<Arena> NewArena(const Task& task, bool widened = false) {
    std::vector<const Workload*> workloads;
    for (const Workload& workload : task.workloads) workloads.push_back(&workload);
    auto arena = backend_->NewArena(task, workloads, widened);
    EXPECT_TRUE(arena.ok());
    for (size_t w = 0; w < workloads.size(); ++w) {
      const auto a = (*arena)->input(w, 0);
      for (size_t i = 0; i < a.size() / (widened ? 8 : 4); ++i) {
        const double wide = static_cast<double>(i) * 0.5;
        const float narrow = static_cast<float>(wide);
        if (widened) std::memcpy(a.data() + i * 8, &wide, 8);
        if (!widened) std::memcpy(a.data() + i * 4, &narrow, 4);
      }
      const double wide = 3;
      const float narrow = 3;
      std::memcpy((*arena)->input(w, 1).data(), widened ? static_cast<const void*>(&wide) : &narrow,
                  (*arena)->input(w, 1).size());
    }
    return std::move(*arena);
  }
  // Loads the kernel and calls workload `workload`; a fault while loading counts as the outcome.
  static CallOutcome Run(const Task& task, const std::string& source, size_t workload = 0,
                         double timeout_s = 5, const RunnerOptions& options = {}) {
    const CompiledKernel kernel = MustCompile(task, source);
    if (kernel.binary.empty()) return Outcome(LaunchFailed{"not compiled"});
    const auto arena = NewArena(task);
    auto started = backend_->NewRunner(task, kernel, *arena, options);
    EXPECT_TRUE(started.ok()) << started.error().message;
    if (!started.ok()) return Outcome(LaunchFailed{started.error().message});
    if (auto* fault = std::get_if<Outcome>(&*started)) return std::move(*fault);
    auto& runner = *std::get<std::unique_ptr<KernelRunner>>(*started);
    auto outcome = runner.Call(workload, timeout_s, {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    if (!outcome.ok()) return Outcome(LaunchFailed{outcome.error().message});
    if (std::holds_alternative<CallTiming>(*outcome)) {
      if (auto broken = arena->BrokenGuard(workload)) return Outcome(*broken);
    }
    return *outcome;
  }

  static inline CpuBackend* backend_ = nullptr;
  static inline std::string* problem_ = nullptr;
};

// The alternative T of a fault, or a test failure that says what came instead.
template <typename T>
T Expect(const CallOutcome& outcome) {
  const auto* fault = std::get_if<Outcome>(&outcome);
  if (fault == nullptr) {
    ADD_FAILURE() << "the call succeeded";
    return {};
  }
  const T* value = std::get_if<T>(fault);
  if (value == nullptr) ADD_FAILURE() << OutcomeSummary(*fault);
  return value == nullptr ? T{} : *value;
}

}  // namespace ks

#endif  // KS_TESTS_BACKEND_CPU_FIXTURE_H_
