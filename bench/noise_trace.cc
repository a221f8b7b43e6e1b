// Records real timing noise: two processes run the identical kernel in turn, A B B A, and every
// call time is written as CSV. The traces are what the stopping rule was chosen on
// (docs/measurement.md); bench/noise_replay.py resamples them.
//
//   noise_trace --kernel compute|cache|memory --call-us 1000 --calls 20000 --restart 480 > trace.csv
//
// Columns: session (a new pair of processes each --restart calls), call, side (0 = A), ns.
#include <fmt/format.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "bench/sample_kernels.h"

namespace {

struct Options {
  std::string kernel = "compute";
  double call_us = 1000;
  int64_t calls = 20000;
  int64_t restart = 480;
};

// One child that runs a call whenever it reads a byte and answers with the time.
class Worker {
 public:
  explicit Worker(const ks::bench::KernelSpec& spec) {
    std::array<int, 2> command{}, answer{};
    KS_CHECK(pipe(command.data()) == 0 && pipe(answer.data()) == 0);
    pid_ = fork();
    KS_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      close(command[1]);
      close(answer[0]);
      Serve(spec, command[0], answer[1]);
    }
    close(command[0]);
    close(answer[1]);
    command_ = command[1];
    answer_ = answer[0];
  }
  ~Worker() {
    close(command_);
    close(answer_);
    waitpid(pid_, nullptr, 0);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  double Call() {
    const char go = 1;
    double ns = 0;
    KS_CHECK(write(command_, &go, 1) == 1);
    KS_CHECK(read(answer_, &ns, sizeof ns) == static_cast<ssize_t>(sizeof ns));
    return ns;
  }

 private:
  [[noreturn]] static void Serve(const ks::bench::KernelSpec& spec, int in, int out) {
    ks::bench::SampleKernel kernel(spec);
    char go = 0;
    while (read(in, &go, 1) == 1) {
      const double ns = kernel.TimedCall();
      if (write(out, &ns, sizeof ns) != static_cast<ssize_t>(sizeof ns)) break;
    }
    _exit(0);
  }
  pid_t pid_ = -1;
  int command_ = -1;
  int answer_ = -1;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--kernel") options.kernel = value;
    if (name == "--call-us") options.call_us = ks::ParseDouble(value).value_or(1000);
    if (name == "--calls") options.calls = ks::ParseInt(value).value_or(20000);
    if (name == "--restart") options.restart = ks::ParseInt(value).value_or(480);
  }
  return options;
}

void Session(int64_t session, int64_t calls, const ks::bench::KernelSpec& spec) {
  Worker a(spec);
  Worker b(spec);
  for (int i = 0; i < 10; ++i) {  // warm both up
    a.Call();
    b.Call();
  }
  std::string text;
  for (int64_t i = 0; i < calls; ++i) {
    const int side = (i % 4 == 1 || i % 4 == 2) ? 1 : 0;
    const double ns = side == 0 ? a.Call() : b.Call();
    text += fmt::format("{},{},{},{:.0f}\n", session, i, side, ns);
  }
  fmt::print("{}", text);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  const ks::bench::KernelSpec spec = ks::bench::Calibrate(options.kernel, options.call_us * 1e3);
  fmt::print("session,call,side,ns\n");
  for (int64_t done = 0, session = 0; done < options.calls; ++session, done += options.restart) {
    Session(session, options.restart, spec);
  }
  return 0;
}
