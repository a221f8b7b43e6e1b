#include "sandbox/trusted_child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.h"

namespace ks {
namespace {

constexpr size_t kMostFds = 8;
constexpr int kParkedFds = 300;

// All that the child needs between clone and exec; async-signal-safe to use.
struct Plan {
  int exec_fd = -1;
  int null_fd = -1;
  int status_fd = -1;  // gets errno, or is closed by the exec
  int alive_fd = -1;   // hangs up when the parent has gone
  std::array<int, kMostFds> fds{};
  size_t fd_count = 0;
  char* const* argv = nullptr;
  char* const* env = nullptr;
};

[[noreturn]] void Fail(int status_fd) {
  const int error = errno;
  const ssize_t written = write(status_fd, &error, sizeof error);
  _exit(written == sizeof error ? 126 : 125);
}

[[noreturn]] void RunTrusted(const Plan& plan) {
  setsid();
  std::array<int, kMostFds> parked{};
  const int count = static_cast<int>(plan.fd_count);
  for (size_t i = 0; i < plan.fd_count; ++i) {
    parked[i] = fcntl(plan.fds[i], F_DUPFD_CLOEXEC, kParkedFds);
  }
  const int status = fcntl(plan.status_fd, F_DUPFD_CLOEXEC, kParkedFds);
  const int exec = fcntl(plan.exec_fd, F_DUPFD_CLOEXEC, kParkedFds);
  const int alive = fcntl(plan.alive_fd, F_DUPFD_CLOEXEC, kParkedFds);
  const int null = fcntl(plan.null_fd, F_DUPFD_CLOEXEC, kParkedFds);
  if (status < 0 || exec < 0 || alive < 0 || null < 0) Fail(plan.status_fd);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  for (int i = 0; i < count; ++i) {
    if (dup2(parked[static_cast<size_t>(i)], 3 + i) != 3 + i) Fail(status);
  }
  // Everything from here to the parking place; what is parked closes itself.
  syscall(SYS_close_range, 3 + count, kParkedFds - 1, 0);
  syscall(SYS_close_range, kParkedFds, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Fail(status);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) Fail(status);
  pollfd parent = {alive, POLLIN, 0};
  poll(&parent, 1, 0);
  if ((parent.revents & POLLHUP) != 0) _exit(124);
  const uint64_t nothing = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &nothing, nullptr, sizeof nothing);
  syscall(SYS_execveat, exec, "", plan.argv, plan.env, AT_EMPTY_PATH);
  Fail(status);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Ends {
  UniqueFd read, write;
};
Result<Ends> NewEnds() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return ErrnoError(errno, "pipe for a device process");
  return Ends{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

struct Child {
  pid_t pid = -1;
  int pidfd = -1;
  int error_number = 0;
};

// In a network namespace of its own; without one where that is not allowed.
Child CloneTrusted(const Plan& plan) {
  Child child;
  for (const uint64_t flags : {uint64_t{CLONE_NEWNET}, uint64_t{0}}) {
    clone_args arguments = {};
    arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | flags;
    arguments.pidfd = reinterpret_cast<uint64_t>(&child.pidfd);
    arguments.exit_signal = SIGCHLD;
    const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) RunTrusted(plan);
    child.pid = static_cast<pid_t>(pid);
    child.error_number = errno;
    if (pid > 0) break;
  }
  return child;
}

}  // namespace

Result<std::unique_ptr<SandboxProcess>> StartTrusted(const TrustedSpec& spec, CloneThread& thread) {
  KS_CHECK(spec.fds.size() <= kMostFds && !spec.argv.empty());
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return ErrnoError(errno, "cannot open /dev/null");
  KS_ASSIGN_OR_RETURN(Ends status, NewEnds());
  KS_ASSIGN_OR_RETURN(Ends alive, NewEnds());
  const std::vector<char*> argv = Pointers(spec.argv);
  const std::vector<char*> env = Pointers(spec.env);
  Plan plan;
  plan.exec_fd = spec.exec_fd;
  plan.null_fd = null.get();
  plan.status_fd = status.write.get();
  plan.alive_fd = alive.read.get();
  plan.fd_count = spec.fds.size();
  for (size_t i = 0; i < spec.fds.size(); ++i) plan.fds[i] = spec.fds[i];
  plan.argv = argv.data();
  plan.env = env.data();
  Child child;
  thread.Run([&] { child = CloneTrusted(plan); });
  if (child.pid < 0) return ErrnoError(child.error_number, "starting a device process");
  auto process =
      std::make_unique<SandboxProcess>(child.pid, UniqueFd(child.pidfd), UniqueFd(), UniqueFd());
  status.write.Reset();
  int error = 0;
  ssize_t n = 0;
  do {
    n = read(status.read.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  if (n == 0) return process;
  Error failed = ErrnoError(error, "starting " + spec.argv[0]);
  if (failed.code != ErrorCode::kResourceExhausted) failed.code = ErrorCode::kFailedPrecondition;
  return failed;
}

}  // namespace ks
