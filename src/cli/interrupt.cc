#include "cli/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "cli/exit_code.h"

namespace ks {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

void WriteError(const std::string& text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace

InterruptGuard::InterruptGuard(std::string farewell) : farewell_(std::move(farewell)) {
  const sigset_t set = StopSignals();
  KS_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  end_fd_ = eventfd(0, EFD_CLOEXEC);
  KS_CHECK(signal_fd_ >= 0 && end_fd_ >= 0);
  watcher_ = std::thread([this] { Watch(); });
}

InterruptGuard::~InterruptGuard() {
  const uint64_t one = 1;
  KS_CHECK(::write(end_fd_, &one, sizeof one) == sizeof one);
  watcher_.join();
  ::close(signal_fd_);
  ::close(end_fd_);
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void InterruptGuard::Watch() {
  while (true) {
    pollfd fds[2] = {{signal_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof info) != sizeof info) continue;
    if (source_.stop_requested()) {
      WriteError(farewell_);
      ::_exit(kExitInterrupted);
    }
    source_.request_stop();
  }
}

}  // namespace ks
