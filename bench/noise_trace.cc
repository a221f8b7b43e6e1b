// Records real timing noise: two processes run the identical kernel in turn, A B B A, and every
// call time is written as CSV. The traces are what the stopping rule was chosen on
// (docs/measurement.md); bench/noise_replay.py resamples them.
//
//   noise_trace --kernel compute|cache|memory --call-us 1000 --calls 20000 --restart 480
//               --pin 1 --shared 1 > trace.csv
//
// --pin 1: both on the same core. --shared 1: both read the same physical pages.
// Columns: session (a new pair of processes each --restart calls), call, side (0 = A), ns.
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
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
  bool pin = true;
  bool shared = true;
};

// Anonymous pages that children share.
std::span<float> SharedFloats(size_t count) {
  void* memory = mmap(nullptr, count * sizeof(float), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  KS_CHECK(memory != MAP_FAILED);
  std::span<float> floats(static_cast<float*>(memory), count);
  std::fill(floats.begin(), floats.end(), 1.0f);
  return floats;
}

void PinTo(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  KS_CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

// One child that runs a call whenever it reads a byte and answers with the time.
class Worker {
 public:
  Worker(const ks::bench::KernelSpec& spec, const Options& options, std::span<float> shared) {
    std::array<int, 2> command{}, answer{};
    KS_CHECK(pipe(command.data()) == 0 && pipe(answer.data()) == 0);
    pid_ = fork();
    KS_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      close(command[1]);
      close(answer[0]);
      Serve(spec, options, shared, command[0], answer[1]);
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
  [[noreturn]] static void Serve(const ks::bench::KernelSpec& spec, const Options& options,
                                 std::span<float> shared, int in, int out) {
    if (options.pin) PinTo(0);
    const std::vector<float> own(options.shared ? 0 : ks::bench::BufferElements(spec), 1.0f);
    ks::bench::SampleKernel kernel(
        spec, options.shared ? std::span<const float>(shared) : std::span<const float>(own));
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
    if (name == "--pin") options.pin = value == "1";
    if (name == "--shared") options.shared = value == "1";
  }
  return options;
}

void Session(int64_t session, const Options& options, const ks::bench::KernelSpec& spec,
             std::span<float> shared) {
  Worker a(spec, options, shared);
  Worker b(spec, options, shared);
  for (int i = 0; i < 10; ++i) {  // warm both up
    a.Call();
    b.Call();
  }
  std::string text;
  for (int64_t i = 0; i < options.restart; ++i) {
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
  const std::span<float> shared = SharedFloats(ks::bench::BufferElements(spec));
  fmt::print("session,call,side,ns\n");
  for (int64_t done = 0, session = 0; done < options.calls; ++session, done += options.restart) {
    Session(session, options, spec, shared);
  }
  return 0;
}
