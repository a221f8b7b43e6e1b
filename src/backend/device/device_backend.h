// Port of backends whose candidates are device code with a launch plan.
//
// Device code has no way to a clock that counts, to the expected values or to the judge: it is
// launched by `ksmith-device-runner`, a trusted process that owns one context on one device. A
// fault (illegal address, endless kernel) costs that process; a spare one takes over.
#ifndef KS_BACKEND_DEVICE_DEVICE_BACKEND_H_
#define KS_BACKEND_DEVICE_DEVICE_BACKEND_H_

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "backend/device/device_lease.h"
#include "core/fill.h"

namespace ks {

// A loaded program of one runner.
struct LoadedProgram {
  int handle = -1;
  DeviceFeatures features;  // registers, spills, shared memory, occupancy by the driver
};

struct DeviceCall {
  std::vector<Bytes> outputs;  // task order
  double device_ns = 0;        // one event-timed call, no flush
};

struct PairRequest {
  int rival = -1, candidate = -1;  // handles
  size_t workload = 0;             // index into the task's workloads
  int pairs = 1;
  int first_pair = 0;  // goes on from here: order A B / B A alternates with the pair's number
  uint64_t seed = 0;   // decides which elements of the inputs are exchanged between samples
  double timeout_s = 10;
};

// One pair: event-timed nanoseconds of both sides on the same fresh content, caches flushed.
struct DevicePair {
  double rival_ns = 0;
  double candidate_ns = 0;
  bool throttled = false;  // clocks fell below 90 % of the round's highest: not to be used
};

struct PairRound {
  std::vector<DevicePair> pairs;
  double wall_ns = 0;                       // by this process: command to answer
  double device_ns = 0;                     // sum of all timed spans
  double clock_mhz = 0;                     // median; 0 unknown
  std::optional<OutOfBounds> broken_guard;  // by the candidate; an input was written to, also
  std::optional<OutOfBounds> rival_broken_guard;
};

// Candidate against rival on one fresh content, compared on the device. Candidate runs first, so
// that no right answer lies on the device before.
struct OutputDifference {
  int64_t mismatches = 0, elements = 0, first_index = -1;
  double got = 0, want = 0, max_error = 0;
  double error_norm = 0, want_norm = 0;  // L2
};
struct Agreement {
  std::vector<OutputDifference> outputs;
};

struct ProfiledCall;  // backend/device/profiled_call.h

template <typename T>
using DeviceResult = Result<std::variant<T, Outcome>>;

// A trusted process with a context on one device and the buffers of one task. Not thread-safe: the
// holder of the device's lease uses it. After any fault (an Outcome) but LaunchFailed and
// CompileFailed, and after an Error of code kUnavailable or kCancelled, it is dead: drop it or give
// it back. Killed and reaped by the destructor.
class DeviceRunner {
 public:
  virtual ~DeviceRunner() = default;
  virtual bool alive() const = 0;
  // The task whose programs follow: buffers are made lazily, a workload at a time. Drops what was
  // there. `contents` of time workloads are kept on the device; see SetContents.
  virtual Status OpenTask(const Task& task) = 0;
  // Inputs of one workload (task order) for Call, TimePairs and Compare; guards renewed. All its
  // buffers and scratch move to addresses that `placement`, a secret, picks. An input may be
  // shorter than its buffer: a sample, of which every element of the buffer becomes one that
  // `placement` picks, so that large contents need not cross from the host. ERRORS:
  // kResourceExhausted when the device has no room (then it stays usable).
  virtual Status SetContents(size_t workload, uint64_t placement,
                             std::span<const Bytes> inputs) = 0;
  virtual bool HasContents(size_t workload) const = 0;
  virtual void DropContents(size_t workload) = 0;
  virtual DeviceResult<LoadedProgram> Load(const CompiledKernel& kernel, std::stop_token stop) = 0;
  virtual Status Unload(int program) = 0;
  // One call on the workload's contents: outputs and scratch poisoned with `salt`, guards renewed
  // and checked after (OutOfBounds), inputs hashed before and after ("write to input").
  virtual DeviceResult<DeviceCall> Call(int program, size_t workload, uint64_t salt,
                                        double timeout_s, std::stop_token stop) = 0;
  // Timed pairs on contents that are partly exchanged before every pair.
  virtual DeviceResult<PairRound> TimePairs(const PairRequest& request, std::stop_token stop) = 0;
  // `tolerance` decides mismatches (core/task.h), with the rival's values as the wanted ones.
  virtual DeviceResult<Agreement> Compare(const PairRequest& request, const Tolerance& tolerance,
                                          std::stop_token stop) = 0;
};

// Thread-safe.
class DeviceBackend : public Backend {
 public:
  // A healthy runner (known kernel launched, result compared), a pre-started spare when there is
  // one. ERRORS: kFailedPrecondition (no driver, no device: what to do about it),
  // kResourceExhausted (the device has no memory left for it).
  virtual Result<std::unique_ptr<DeviceRunner>> TakeRunner(std::stop_token stop) = 0;
  // A healthy runner that has loaded nothing yet. May be called without the lease. ERRORS: as
  // TakeRunner.
  virtual Result<std::unique_ptr<DeviceRunner>> TakeFresh(std::stop_token stop) = 0;
  // Gives a healthy one back for reuse.
  virtual void ReturnRunner(std::unique_ptr<DeviceRunner> runner) = 0;
  // Where the tasks' fp64 references run: on the host.
  virtual ProcessBackend& reference_backend() = 0;

  // A profiler's report on one call, as ProfileOneCall. ERRORS: as that; kFailedPrecondition: there
  // is no profiler for this device.
  virtual Result<std::string> Profile(const ProfiledCall&, std::stop_token) {
    return Error{ErrorCode::kFailedPrecondition, "no profiler for this device"};
  }

  // Held by whoever uses a runner of this backend.
  DeviceLease& lease() { return *lease_; }
  // Backends that launch on one device share its lease. REQUIRES: called before the first use.
  std::shared_ptr<DeviceLease> shared_lease() const { return lease_; }
  void ShareLease(std::shared_ptr<DeviceLease> lease) { lease_ = std::move(lease); }

 private:
  std::shared_ptr<DeviceLease> lease_ = std::make_shared<DeviceLease>();
};

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_DEVICE_BACKEND_H_
