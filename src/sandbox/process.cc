#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "sandbox/sandbox.h"

namespace ks {
namespace {

using SteadyClock = std::chrono::steady_clock;

int MsUntil(SteadyClock::time_point deadline) {
  const double ms =
      std::chrono::duration<double, std::milli>(deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp(std::ceil(ms), 0.0, 3.6e6));
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

// Drains one pipe: keeps the first part, drops the rest, counts all.
class SandboxProcess::Output {
 public:
  Output(int fd, std::string* kept) : fd_(fd), kept_(kept) {}
  int fd() const { return fd_; }
  size_t total() const { return total_; }

  // Reads what is there. Closes at the end of the stream.
  void Drain() {
    std::array<char, 1 << 16> buffer;
    while (fd_ >= 0) {
      const ssize_t n = read(fd_, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        fd_ = -1;
        return;
      }
      const size_t got = static_cast<size_t>(n);
      total_ += got;
      kept_->append(buffer.data(), std::min(got, kKeptOutputBytes - kept_->size()));
      if (total_ > kMaxOutputBytes) return;
    }
  }

 private:
  int fd_;
  std::string* kept_;
  size_t total_ = 0;
};

SandboxProcess::SandboxProcess(pid_t pid, UniqueFd pidfd, UniqueFd out, UniqueFd err)
    : pid_(pid), pidfd_(std::move(pidfd)), out_(std::move(out)), err_(std::move(err)) {
  for (const UniqueFd* fd : {&out_, &err_}) {
    if (fd->valid()) fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }
}

SandboxProcess::~SandboxProcess() {
  Kill();
  SandboxExit ignored;
  Reap(&ignored);
}

void SandboxProcess::Kill() {
  if (!reaped_) syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

bool SandboxProcess::HasEnded(int timeout_ms) const {
  if (reaped_) return true;
  pollfd wanted = {pidfd_.get(), POLLIN, 0};
  return poll(&wanted, 1, timeout_ms) == 1;
}

void SandboxProcess::Reap(SandboxExit* exit) {
  if (!reaped_) {
    siginfo_t info = {};
    rusage usage = {};
    while (syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED, &usage) != 0 &&
           errno == EINTR) {
    }
    reaped_ = true;
    if (info.si_code == CLD_EXITED) {
      last_.code = info.si_status;
    } else {
      last_.signal = info.si_status;
    }
    last_.cpu_s = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
    last_.peak_rss_bytes = int64_t{usage.ru_maxrss} * 1024;
  }
  exit->code = last_.code;
  exit->signal = last_.signal;
  exit->cpu_s = last_.cpu_s;
  exit->peak_rss_bytes = last_.peak_rss_bytes;
}

Result<SandboxExit> SandboxProcess::Wait(double timeout_s, std::stop_token stop) {
  const auto deadline =
      SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                               std::chrono::duration<double>(std::clamp(timeout_s, 0.0, 1e7)));
  const UniqueFd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] { eventfd_write(stop_event.get(), 1); });
  SandboxExit exit;
  Output out(out_.get(), &exit.out);
  Output err(err_.get(), &exit.err);
  while (!reaped_) {
    std::array<pollfd, 4> wanted = {{{pidfd_.get(), POLLIN, 0},
                                     {stop_event.get(), POLLIN, 0},
                                     {out.fd(), POLLIN, 0},
                                     {err.fd(), POLLIN, 0}}};
    poll(wanted.data(), wanted.size(), MsUntil(deadline));
    if (stop.stop_requested()) {
      Kill();
      Reap(&exit);
      return Error{ErrorCode::kCancelled, "stopped while a sandboxed process ran"};
    }
    out.Drain();
    err.Drain();
    exit.flooded = std::max(out.total(), err.total()) > kMaxOutputBytes;
    const bool ended = (wanted[0].revents & POLLIN) != 0;
    exit.timed_out = !ended && SteadyClock::now() >= deadline;
    if (exit.flooded || exit.timed_out) Kill();
    if (ended || exit.flooded || exit.timed_out) break;
  }
  Reap(&exit);
  out.Drain();
  err.Drain();
  return exit;
}

}  // namespace ks
