#include "store/run_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "base/file.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

TEST(RunLock, ASecondOneIsRefusedWithTheOwnersPid) {
  TempFolder folder;
  const auto first = RunLock::Acquire(folder / "lock");
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = RunLock::Acquire(folder / "lock");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("pid " + std::to_string(getpid())), std::string::npos)
      << second.error().message;
}

TEST(RunLock, IsFreeAgainOnceReleased) {
  TempFolder folder;
  {
    const auto first = RunLock::Acquire(folder / "lock");
    ASSERT_TRUE(first.ok());
  }
  EXPECT_TRUE(RunLock::Acquire(folder / "lock").ok());
}

TEST(RunLock, MovesWithoutReleasing) {
  TempFolder folder;
  auto first = RunLock::Acquire(folder / "lock");
  ASSERT_TRUE(first.ok());
  {
    const RunLock moved = *std::move(first);
    EXPECT_FALSE(RunLock::Acquire(folder / "lock").ok());
  }
  EXPECT_TRUE(RunLock::Acquire(folder / "lock").ok());
}

// A child that takes the lock, says so, and stays until it is killed.
struct Owner {
  pid_t pid = -1;
  int closed_when_dead = -1;
};

Owner StartOwner(const std::string& path) {
  int ready[2];
  KS_CHECK(pipe(ready) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    const auto lock = RunLock::Acquire(path);
    if (lock.ok() && write(ready[1], "L", 1) == 1) {
      for (;;) pause();
    }
    _exit(1);
  }
  close(ready[1]);
  char byte = 0;
  KS_CHECK(read(ready[0], &byte, 1) == 1 && byte == 'L');
  return {pid, ready[0]};
}

TEST(RunLock, IsReleasedWhenItsProcessIsKilled) {
  TempFolder folder;
  const Owner owner = StartOwner(folder / "lock");
  const auto refused = RunLock::Acquire(folder / "lock");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("pid " + std::to_string(owner.pid)), std::string::npos);
  kill(owner.pid, SIGKILL);
  waitpid(owner.pid, nullptr, 0);
  close(owner.closed_when_dead);
  EXPECT_TRUE(RunLock::Acquire(folder / "lock").ok());
}

TEST(RunLock, IsNotInheritedByAProgramStartedMeanwhile) {
  TempFolder folder;
  std::optional<RunLock> lock;
  {
    auto acquired = RunLock::Acquire(folder / "lock");
    ASSERT_TRUE(acquired.ok());
    lock.emplace(*std::move(acquired));
  }
  int output[2];
  ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(output[1], STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", "echo started; read line; exec cat", nullptr);
    _exit(127);
  }
  close(output[1]);
  char byte = 0;
  ASSERT_EQ(read(output[0], &byte, 1), 1);  // the program runs, the lock's descriptor is closed
  lock.reset();
  EXPECT_TRUE(RunLock::Acquire(folder / "lock").ok());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(output[0]);
}

TEST(RunLock, AMissingFolderIsNotFound) {
  TempFolder folder;
  const auto lock = RunLock::Acquire(folder / "none/lock");
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ks
