#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "tests/backend/cpu_fixture.h"

namespace ks {
namespace {

float FloatAt(std::span<const std::byte> bytes, size_t i) {
  float value = 0;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

class CpuRunner : public CpuBackendTest {
 protected:
  static std::unique_ptr<KernelRunner> Start(const Task& task, const std::string& source,
                                             Arena& arena, const RunnerOptions& options = {}) {
    auto started = backend_->NewRunner(task, MustCompile(task, source), arena, options);
    EXPECT_TRUE(started.ok()) << started.error().message;
    auto* runner = std::get_if<std::unique_ptr<KernelRunner>>(&*started);
    EXPECT_NE(runner, nullptr) << OutcomeSummary(std::get<Outcome>(*started));
    return runner == nullptr ? nullptr : std::move(*runner);
  }
};

TEST_F(CpuRunner, ComputesEveryWorkload) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const auto runner = Start(task, ScaleKernel(kScaleLoop), *arena);
  ASSERT_NE(runner, nullptr);
  for (size_t w = 0; w < task.workloads.size(); ++w) {
    arena->Poison(w, 7);
    EXPECT_TRUE(std::isnan(FloatAt(arena->output(w, 0), 1)));
    auto outcome = runner->Call(w, 5, {});
    ASSERT_TRUE(outcome.ok());
    ASSERT_TRUE(std::holds_alternative<CallTiming>(*outcome));
    const auto n = static_cast<size_t>(task.workloads[w].axes.at("n"));
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(FloatAt(arena->output(w, 0), i), 1.5f * static_cast<float>(i)) << i;
    }
    EXPECT_FALSE(arena->BrokenGuard(w).has_value());
  }
}

TEST_F(CpuRunner, RunsTheReferenceInDoublePrecision) {
  const Task task = ScaleTask();
  auto outcome = backend_->CompileReference(task, {});
  ASSERT_TRUE(outcome.ok());
  ASSERT_TRUE(std::holds_alternative<CompiledKernel>(*outcome));
  const auto arena = NewArena(task, true);
  EXPECT_EQ(arena->output(0, 0).size(), 37u * 8);
  EXPECT_EQ(arena->input(0, 1).size(), 8u);
  auto started =
      backend_->NewRunner(task, std::get<CompiledKernel>(*outcome), *arena, {.trusted = true});
  ASSERT_TRUE(started.ok());
  auto called = std::get<std::unique_ptr<KernelRunner>>(*started)->Call(0, 5, {});
  ASSERT_TRUE(called.ok());
  double value = 0;
  std::memcpy(&value, arena->output(0, 0).data() + 8 * 36, 8);
  EXPECT_EQ(value, 54.0);
}

TEST_F(CpuRunner, PlacesBuffersOnCacheLinesAtEitherEndOfTheirPages) {
  const Task task = ScaleTask();
  const std::string source =
      ScaleKernel("c[0] = (float)((uintptr_t)c % 64); c[1] = (float)((uintptr_t)c % 4096);");
  const auto arena = NewArena(task);
  const auto runner = Start(task, source, *arena);
  ASSERT_NE(runner, nullptr);
  ASSERT_TRUE(runner->Call(0, 5, {}).ok());
  EXPECT_EQ(FloatAt(arena->output(0, 0), 0), 0);
  EXPECT_EQ(FloatAt(arena->output(0, 0), 1), 4096 - 192) << "37 floats, rounded to 192 bytes";
  ASSERT_TRUE(runner->Call(1, 5, {}).ok());
  EXPECT_EQ(FloatAt(arena->output(1, 0), 1), 0);
}

TEST_F(CpuRunner, TwoRunnersShareAnArenaAtTheSameAddresses) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const std::string source = ScaleKernel(
      "uint64_t p = (uintptr_t)c; __builtin_memcpy(c, &p, 8); p = (uintptr_t)&p;"
      "__builtin_memcpy(c + 2, &p, 8);");
  const auto first = Start(task, source, *arena);
  const auto second = Start(task, source, *arena);
  ASSERT_TRUE(first != nullptr && second != nullptr);
  ASSERT_TRUE(first->Call(0, 5, {}).ok());
  const std::vector<std::byte> seen(arena->output(0, 0).begin(), arena->output(0, 0).begin() + 16);
  arena->Poison(0, 1);
  ASSERT_TRUE(second->Call(0, 5, {}).ok());
  EXPECT_TRUE(std::equal(seen.begin(), seen.end(), arena->output(0, 0).begin()));
}

TEST_F(CpuRunner, AllowsThreadsOnlyWhereTheTaskDoes) {
  const std::string openmp =
      "// ksmith: flags -O2 -fopenmp\n" + ScaleKernel(
                                              "#pragma omp parallel for num_threads(2)\nfor "
                                              "(int64_t i = 0; i < n; ++i) c[i] = s * a[i] + "
                                              "(float)(omp_get_num_threads() - 2);",
                                              "#include <omp.h>");
  const Task two = ScaleTask(2);
  CallOutcome outcome = Run(two, openmp, 2, 5, {.max_threads = 2});
  EXPECT_TRUE(std::holds_alternative<CallTiming>(outcome))
      << OutcomeSummary(std::get<Outcome>(outcome));
  const std::string threads =
      "// ksmith: flags -O2 -pthread\n" +
      ScaleKernel(
          "std::thread t([&] { for (int64_t i = 0; i < n; ++i) c[i] = s * a[i]; }); t.join();",
          "#include <thread>");
  outcome = Run(two, threads, 2, 5, {.max_threads = 2});
  EXPECT_TRUE(std::holds_alternative<CallTiming>(outcome))
      << OutcomeSummary(std::get<Outcome>(outcome));
}

TEST_F(CpuRunner, ItsClocksAgreeWithTheWork) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const auto runner = Start(
      task,
      ScaleKernel(
          "volatile float x = 0; for (int64_t i = 0; i < 20000000; ++i) x = x + 1; c[0] = x;"),
      *arena);
  ASSERT_NE(runner, nullptr);
  auto outcome = runner->Call(0, 10, {});
  ASSERT_TRUE(outcome.ok());
  const CallTiming& timing = std::get<CallTiming>(*outcome);
  EXPECT_GT(timing.inside_ns, 5e6);
  EXPECT_GE(timing.wall_ns, timing.inside_ns);
  EXPECT_GT(timing.cpu_ns, 0.2 * timing.inside_ns);
  EXPECT_LT(timing.cpu_ns, timing.wall_ns + 2e6);
}

TEST_F(CpuRunner, ACallCostsLittleAndIsFullyAccountedFor) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const CompiledKernel kernel = MustCompile(task, ScaleKernel(kScaleLoop));
  std::vector<double> start_ms;
  std::unique_ptr<KernelRunner> runner;
  for (int i = 0; i < 11; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    auto started = backend_->NewRunner(task, kernel, *arena, {});
    start_ms.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
    ASSERT_TRUE(started.ok());
    runner = std::move(std::get<std::unique_ptr<KernelRunner>>(*started));
  }
  std::sort(start_ms.begin(), start_ms.end());
  std::vector<double> wall, cpu, inside, whole;
  const auto before = runner->TotalCpuNs();
  double sum = 0;
  for (int i = 0; i < 300; ++i) {
    const auto start = std::chrono::steady_clock::now();
    auto outcome = runner->Call(0, 5, {});
    whole.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
    ASSERT_TRUE(outcome.ok());
    const CallTiming& timing = std::get<CallTiming>(*outcome);
    wall.push_back(timing.wall_ns * 1e-3);
    cpu.push_back(timing.cpu_ns * 1e-3);
    inside.push_back(timing.inside_ns * 1e-3);
    sum += timing.cpu_ns;
  }
  const auto after = runner->TotalCpuNs();
  ASSERT_TRUE(before.ok() && after.ok());
  for (auto* values : {&wall, &cpu, &inside, &whole}) std::sort(values->begin(), values->end());
  std::printf(
      "runner start: best %.1f, median %.1f ms; call of a tiny kernel, median us: wall %.1f, cpu "
      "%.1f, inside "
      "%.3f, whole %.1f; "
      "p99: wall %.1f cpu %.1f; cpu outside calls %.1f us of %.1f\n",
      start_ms[0], start_ms[5], wall[150], cpu[150], inside[150], whole[150], wall[297], cpu[297],
      (*after - *before - sum) * 1e-3, (*after - *before) * 1e-3);
  EXPECT_LT(wall[150], 5000);
  EXPECT_LE(std::abs(*after - *before - sum), 0.2 * (*after - *before));
}

TEST_F(CpuRunner, IsGoneAfterItsDestructor) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const auto count = [] {
    int runners = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      (void)entry;
      ++runners;
    }
    return runners;
  };
  const int before = count();
  for (int i = 0; i < 3; ++i) {
    auto runner = Start(task, ScaleKernel(kScaleLoop), *arena);
    ASSERT_NE(runner, nullptr);
  }
  EXPECT_EQ(count(), before);
}

TEST_F(CpuRunner, StopsACallWhenAsked) {
  const Task task = ScaleTask();
  const auto arena = NewArena(task);
  const auto runner = Start(task, ScaleKernel("for (;;) __asm__ volatile(\"\");"), *arena);
  ASSERT_NE(runner, nullptr);
  std::stop_source source;
  source.request_stop();
  auto outcome = runner->Call(0, 100, source.get_token());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(runner->TotalCpuNs().ok());
}

}  // namespace
}  // namespace ks
