// Runners that die, spares that take over, and a client that is killed.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

class RunnerPoolTest : public DeviceRunnerTest {
 protected:
  // What the client that is killed does: says which processes it made, runs an endless kernel.
  void HoldRunnersUntilKilled();
};

pid_t PidOf(const DeviceRunner& runner) {
  return dynamic_cast<const DeviceRunnerProcess&>(runner).pid();
}

// False as well for a dead process that nobody has waited for yet.
bool IsRunning(pid_t pid) {
  const PosixFileSystem files;
  const auto text = files.Read("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!text.ok()) return false;
  const auto words = SplitWords(std::string_view(*text).substr(text->rfind(')') + 1));
  return !words.empty() && words[0] != "Z" && words[0] != "X";
}

bool EndsWithin(pid_t pid, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (IsRunning(pid)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

TEST_P(RunnerPoolTest, DescribesItsDevice) {
  const DeviceInfo& info = Pool(api())->info();
  EXPECT_EQ(info.api, api());
  EXPECT_FALSE(info.name.empty());
  EXPECT_GE(info.sm_count, 1);
  EXPECT_GT(info.memory_bytes, 1 << 20);
  EXPECT_GT(info.max_threads_per_block, 63);
  EXPECT_GT(info.copy_gbytes_per_s, 0.1);
  EXPECT_EQ(info.is_cpu, is_native());
}

TEST_P(RunnerPoolTest, RunnerThatCameBackUnusedIsUsedAgain) {
  auto first = TakeRunner();
  ASSERT_NE(first, nullptr);
  const pid_t pid = PidOf(*first);
  Pool(api())->Return(std::move(first));
  auto second = TakeRunner();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(PidOf(*second), pid);
  Pool(api())->Return(std::move(second));
}

TEST_P(RunnerPoolTest, RunnerIsNotSharedByCandidatesThatAreNativeCode) {
  auto first = ReadyRunner();
  ASSERT_NE(first, nullptr);
  MustLoad(*first, MakeScale(kScaleKernel));
  const pid_t pid = PidOf(*first);
  Pool(api())->Return(std::move(first));
  auto second = TakeRunner();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(PidOf(*second) == pid, !is_native());
  EXPECT_EQ(IsRunning(pid), !is_native());
  Pool(api())->Return(std::move(second));
}

TEST_P(RunnerPoolTest, FreshRunnerHasLoadedNothing) {
  auto first = ReadyRunner();
  ASSERT_NE(first, nullptr);
  MustLoad(*first, MakeScale(kScaleKernel));
  const pid_t used = PidOf(*first);
  Pool(api())->Return(std::move(first));
  auto fresh = Pool(api())->TakeFresh({});
  ASSERT_TRUE(fresh.ok()) << fresh.error().message;
  EXPECT_NE(PidOf(**fresh), used);
  EXPECT_FALSE(dynamic_cast<DeviceRunnerProcess&>(**fresh).has_loaded());
  const pid_t unused = PidOf(**fresh);
  if (!is_native()) {
    auto idle = TakeRunner();
    ASSERT_NE(idle, nullptr);
    EXPECT_EQ(PidOf(*idle), used) << "the used one waits for whoever does not mind";
  }
  Pool(api())->Return(std::move(*fresh));
  auto again = Pool(api())->TakeFresh({});
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(PidOf(**again), unused);
  Pool(api())->Return(std::move(*again));
}

TEST_P(RunnerPoolTest, SpareTakesOverFromAKilledRunner) {
  auto first = TakeRunner();
  ASSERT_NE(first, nullptr);
  const pid_t pid = PidOf(*first);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_TRUE(EndsWithin(pid, 5));
  const Status status = first->OpenTask(task_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(first->alive());
  Pool(api())->Return(std::move(first));
  auto second = TakeRunner();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(PidOf(*second), pid);
  EXPECT_TRUE(second->OpenTask(task_).ok());
  Pool(api())->Return(std::move(second));
}

TEST_P(RunnerPoolTest, RunnerKilledWhileIdleIsFoundOutByTheHealthCheck) {
  auto first = TakeRunner();
  ASSERT_NE(first, nullptr);
  const pid_t pid = PidOf(*first);
  Pool(api())->Return(std::move(first));
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  auto second = TakeRunner();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(PidOf(*second), pid);
  EXPECT_TRUE(second->OpenTask(task_).ok());
  Pool(api())->Return(std::move(second));
}

TEST_P(RunnerPoolTest, DestroyedRunnerLeavesNoProcess) {
  auto runner = TakeRunner();
  ASSERT_NE(runner, nullptr);
  const pid_t pid = PidOf(*runner);
  EXPECT_TRUE(IsRunning(pid));
  runner.reset();
  EXPECT_FALSE(IsRunning(pid));
}

void RunnerPoolTest::HoldRunnersUntilKilled() {
  auto idle = TakeRunner();
  const auto busy = ReadyRunner();
  ASSERT_TRUE(idle != nullptr && busy != nullptr);
  std::fprintf(stderr, "PIDS %d %d\n", PidOf(*idle), PidOf(*busy));
  (void)CallOnce(*busy, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  volatile GLOBAL float* p = c;
  while (p[0] != -1.0f) p[1] = s;
})"),
                 600);
}

// Set for the client, which is this very test in a process of its own.
constexpr const char* kIsClient = "KS_TEST_IS_CLIENT";

TEST_P(RunnerPoolTest, NothingIsLeftRunningWhenTheClientIsKilled) {
  if (std::getenv(kIsClient) != nullptr) {
    HoldRunnersUntilKilled();
    FAIL() << "the client was to be killed";
  }
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t client = fork();
  if (client == 0) {
    dup2(ends[1], STDERR_FILENO);
    setenv(kIsClient, "1", 1);
    const std::string filter = "--gtest_filter=*NothingIsLeftRunningWhenTheClientIsKilled/" + api();
    execl("/proc/self/exe", "client", filter.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[1]);
  FILE* const lines = fdopen(ends[0], "r");
  std::array<char, 4096> line{};
  int idle = 0;
  int busy = 0;
  while (idle == 0 && std::fgets(line.data(), line.size(), lines) != nullptr) {
    std::sscanf(line.data(), "PIDS %d %d", &idle, &busy);
  }
  ASSERT_GT(busy, 0) << "the other process did not start its runners";
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_TRUE(IsRunning(idle));
  EXPECT_TRUE(IsRunning(busy));
  kill(client, SIGKILL);
  waitpid(client, nullptr, 0);
  EXPECT_TRUE(EndsWithin(idle, 10));
  EXPECT_TRUE(EndsWithin(busy, 10));
  std::fclose(lines);
}

INSTANTIATE_TEST_SUITE_P(Apis, RunnerPoolTest, testing::Values("opencl", "cuda"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace ks
