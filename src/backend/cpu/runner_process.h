// KernelRunner on a sandboxed `ksmith-runner`: shared memory, two futexes and three clocks.
#ifndef KS_BACKEND_CPU_RUNNER_PROCESS_H_
#define KS_BACKEND_CPU_RUNNER_PROCESS_H_

#include <time.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/arena.h"
#include "backend/cpu/kernel_filters.h"
#include "backend/cpu/protocol.h"
#include "sandbox/sandbox.h"

namespace ks {

// What all runners of a backend share. Thread-safe by being constant.
struct RunnerParts {
  const Sandbox* sandbox = nullptr;
  UniqueFd executable;
  KernelFilters single;    // filters for one thread
  KernelFilters threaded;  // and for several
};

// Clocks: inside_ns contains two clock reads and two fences (about 0.1 us). wall_ns adds the
// wake-up of a blocked process in both directions (10 to 25 us when a core is free on a 2-core
// virtual machine, with a tail of milliseconds when none is). cpu_ns adds what the runner spends on
// waking up and answering (5 to 6 us); it is read only once the runner's main thread sleeps again,
// so that nothing is missing, and the CPU time between one call's end and the next one's start is 0
// for an honest candidate. A whole Call costs about 30 us beyond the kernel; a start 5 ms.
class RunnerProcess final : public KernelRunner {
 public:
  using Started = std::variant<std::unique_ptr<KernelRunner>, Outcome>;
  // Loads `kernel` on `arena`, which must outlive the runner. ERRORS: as Backend::NewRunner.
  static Result<Started> Start(const RunnerParts& parts, const CompiledKernel& kernel,
                               CpuArena& arena, const RunnerOptions& options);

  Result<CallOutcome> Call(size_t workload, double timeout_s, std::stop_token stop) override;
  Result<double> TotalCpuNs() const override;

 private:
  enum class Waited { kAnswered, kEnded, kTimedOut, kCancelled };

  RunnerProcess(CpuArena& arena, const RunnerOptions& options, SharedMapping control,
                size_t channel_offset, std::unique_ptr<SandboxProcess> process);
  RunnerChannel& channel() const;
  Waited AwaitAnswer(uint32_t number, double timeout_s, const std::stop_token& stop) const;
  Result<Outcome> FinishDead(Waited waited, int workload, double limit_s);
  Result<Started> FinishStart(std::unique_ptr<RunnerProcess> self);
  int AwaitBlocked() const;

  CpuArena& arena_;
  const int max_threads_;
  const SharedMapping control_;
  const size_t channel_offset_;
  const std::unique_ptr<SandboxProcess> process_;
  const clockid_t cpu_clock_;
  const UniqueFd stat_file_;  // /proc/PID/stat
  uint32_t last_ = 1;         // number of the last command
  bool dead_ = false;
};

}  // namespace ks

#endif  // KS_BACKEND_CPU_RUNNER_PROCESS_H_
