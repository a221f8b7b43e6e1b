#include "cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "cli/exit_code.h"

namespace ks {
namespace {

// True once a stop was requested, waiting at most ten seconds.
bool WaitForStop(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, token, std::chrono::seconds(10), [] { return false; });
  return token.stop_requested();
}

TEST(InterruptGuard, FirstSignalRequestsAStop) {
  const InterruptGuard guard("");
  EXPECT_FALSE(guard.interrupted());
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_TRUE(WaitForStop(guard.token()));
}

TEST(InterruptGuard, SecondSignalEndsTheProgramWith130AndAFarewell) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const InterruptGuard guard("resume with --resume\n");
        ::kill(::getpid(), SIGINT);
        WaitForStop(guard.token());
        ::kill(::getpid(), SIGINT);
        ::pause();
      },
      testing::ExitedWithCode(kExitInterrupted), "resume with --resume");
}

TEST(InterruptGuard, EndsWithoutASignal) {
  const InterruptGuard guard("");
  EXPECT_FALSE(guard.token().stop_requested());
}

}  // namespace
}  // namespace ks
