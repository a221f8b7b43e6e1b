// Ports of a backend: turns sources into loadable kernels and runs them away from the judge.
//
// The evaluator owns the contents of buffers and the verdict; a backend only compiles, launches and
// reports faults and times. Two families: candidates with host code run in a sandboxed process each
// (ProcessBackend, backend/cpu/); device code is launched by a trusted process that owns the device
// (DeviceBackend, backend/device/).
#ifndef KS_BACKEND_BACKEND_H_
#define KS_BACKEND_BACKEND_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/evaluation.h"
#include "core/machine.h"
#include "core/task.h"

namespace ks {

// A compiled candidate, ready to be loaded by a runner. Value.
struct CompiledKernel {
  std::string binary;       // a shared object; a serialised DeviceProgram
  std::string binary_hash;  // SHA-256 over the code and its launches alone (not paths, times, ids)
  CodeFeatures features;
  std::optional<DeviceFeatures> device;
  std::string compiler;  // "g++ 12.2.0", "nvrtc 13.0"
  std::string flags;     // as used
  std::vector<Diagnostic> warnings;
  double seconds = 0;
};

using CompileOutcome =
    std::variant<CompiledKernel, CompileFailed, TimedOut, OutOfMemory, Rejected, LaunchFailed>;

struct CompileLimits {
  double timeout_s = 20;
  int64_t memory_bytes = int64_t{4} << 30;
};

// What every backend can do. Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // "cpu" or "gpu": which workloads of a task are meant for it (core/task.h, ForDeviceClass).
  virtual std::string device_class() const = 0;
  virtual const Machine& machine() const = 0;
  // Compiles a candidate in the sandbox. ERRORS: kFailedPrecondition (no compiler, no sandbox).
  virtual Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                         const CompileLimits& limits, std::stop_token stop) = 0;
};

// Input and output buffers of several workloads in shared memory, each between guard pages. The
// candidate can read inputs (physically read-only for it) and read and write outputs.
// Contents: inputs in task order (scalars too, 8-byte slots), then outputs. Thread-compatible.
class Arena {
 public:
  virtual ~Arena() = default;
  virtual size_t workloads() const = 0;
  virtual std::span<std::byte> input(size_t workload, size_t index) = 0;
  virtual std::span<std::byte> output(size_t workload, size_t index) = 0;
  // Fills every output with a NaN pattern (0xA5 bytes for integers) mixed with `salt`, and renews
  // the canaries around every output of the workload.
  virtual void Poison(size_t workload, uint64_t salt) = 0;
  // Empty: the canaries of the workload are intact; else what was written over.
  virtual std::optional<OutOfBounds> BrokenGuard(size_t workload) const = 0;
};

// Times of one call. `inside_ns` was read by the runner around the call (cheap and precise, but in
// the candidate's address space); the others come from this side and bound it.
struct CallTiming {
  double inside_ns = 0;
  double wall_ns = 0;  // command to answer on this process's monotonic clock
  double cpu_ns = 0;   // CPU time of the runner's process from command to answer, by the kernel
};

// A finished call, or the candidate's fault (never Measured, CompileFailed or DuplicateOf). After a
// fault the runner is dead.
using CallOutcome = std::variant<CallTiming, Outcome>;

// One sandboxed process with one loaded kernel. Killed and reaped by the destructor. Single thread.
class KernelRunner {
 public:
  virtual ~KernelRunner() = default;
  // Runs the kernel once on the arena's workload. ERRORS: our side only; kCancelled after `stop`.
  virtual Result<CallOutcome> Call(size_t workload, double timeout_s, std::stop_token stop) = 0;
  // CPU time of the whole process so far; what exceeds the sum of the calls' cpu_ns was spent
  // outside them. ERRORS: kUnavailable when the process is gone.
  virtual Result<double> TotalCpuNs() const = 0;
};

struct RunnerOptions {
  int64_t memory_limit_bytes = int64_t{4} << 30;  // beyond the arena
  int max_threads = 1;
  int core = -1;         // pin to this core when max_threads is 1; -1: anywhere
  bool trusted = false;  // the oracle: same sandbox, no cheating rules
};

// Candidates are host code: a sandboxed process each. Also runs every task's fp64 reference.
class ProcessBackend : public Backend {
 public:
  // Compiles the task's fp64 reference. The oracle runs on an arena with widened = true.
  virtual Result<CompileOutcome> CompileReference(const Task& task, std::stop_token stop) = 0;
  // Buffers for `workloads` (in this order). widened: every float dtype is f64. ERRORS:
  // kResourceExhausted.
  virtual Result<std::unique_ptr<Arena>> NewArena(const Task& task,
                                                  const std::vector<const Workload*>& workloads,
                                                  bool widened) = 0;
  // Starts a runner with `kernel` on `arena`, which must outlive it and may be shared by several
  // runners. A kernel that cannot be loaded is the second alternative.
  virtual Result<std::variant<std::unique_ptr<KernelRunner>, Outcome>> NewRunner(
      const Task& task, const CompiledKernel& kernel, Arena& arena,
      const RunnerOptions& options) = 0;
};

}  // namespace ks

#endif  // KS_BACKEND_BACKEND_H_
