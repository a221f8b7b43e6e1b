// A device in memory: it "runs" kernels whose source names their behaviour, with noisy times.
//
//   "ns 10000"           undisturbed time of a call (default 10000)
//   "jitter 0.02"        relative spread of its own
//   "wrong"              every result is off; "wrong_large": only at 1000 elements and more
//   "racy"               every second call is off; "atomics": calls differ in the last digits
//   "no_load", "crash_load", "crash_call", "crash_pairs", "guard", "guard_pairs"  faults, by where
//   "no_compile"         a compile error
//
// The task is y = 2 x.
#ifndef KS_TESTS_EVALUATE_FAKE_DEVICE_H_
#define KS_TESTS_EVALUATE_FAKE_DEVICE_H_

#include <memory>
#include <string>
#include <vector>

#include "backend/device/device_backend.h"
#include "base/rng.h"

namespace ks {

// Check workloads n = 7 and 64, time workloads n = 1000 and 4096, held-out n = 2048.
Task DoublingTask();

// The host: runs the doubling in fp64, in this process. Counts what the oracle is asked.
class FakeHostBackend final : public ProcessBackend {
 public:
  std::string name() const override { return "fake host"; }
  std::string device_class() const override { return "cpu"; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;
  Result<CompileOutcome> CompileReference(const Task& task, std::stop_token stop) override;
  Result<std::unique_ptr<Arena>> NewArena(const Task& task,
                                          const std::vector<const Workload*>& workloads,
                                          bool widened) override;
  Result<std::variant<std::unique_ptr<KernelRunner>, Outcome>> NewRunner(
      const Task& task, const CompiledKernel& kernel, Arena& arena,
      const RunnerOptions& options) override;
  int oracle_calls = 0;
  std::vector<size_t> arenas;  // that were made: how many workloads each holds

 private:
  Machine machine_;
};

// What the runners of one device share: its noise, what goes wrong, what was asked for.
struct FakeDevice {
  explicit FakeDevice(uint64_t seed = 1) : rng(seed) {}
  // The next event-timed call.
  double Time(double ns, double own_jitter);

  Rng rng;
  double jitter = 0.002;
  double drift = 0;
  double outliers = 0.01;      // share of calls that take 5 % more
  double throttled = 0;        // share of pairs
  double event_scale = 1;      // above 1: the event clock claims more than passes
  int unavailable = 0;         // the next so many requests fail by our fault
  int broken_starts = 0;       // the next so many runners do not open their task
  size_t capacity = SIZE_MAX;  // bytes of contents, of all runners
  size_t resident = 0;         // of them

  int started = 0, returned = 0, loads = 0, uploads = 0, calls = 0, pairs = 0, compares = 0;
  std::vector<std::string> log;  // "start", "pairs 6", "compare", ... of all runners
};

// Thread-compatible.
class FakeDeviceBackend final : public DeviceBackend {
 public:
  explicit FakeDeviceBackend(uint64_t seed = 1);
  std::string name() const override { return "fake"; }
  std::string device_class() const override { return device_class_; }
  const Machine& machine() const override { return machine_; }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;
  Result<std::unique_ptr<DeviceRunner>> TakeRunner(std::stop_token stop) override;
  Result<std::unique_ptr<DeviceRunner>> TakeFresh(std::stop_token stop) override {
    return TakeRunner(std::move(stop));
  }
  void ReturnRunner(std::unique_ptr<DeviceRunner> runner) override;
  FakeHostBackend& reference_backend() override { return host_; }

  FakeDevice& device() { return *device_; }
  Machine& mutable_machine() { return machine_; }
  void set_device_class(std::string name) { device_class_ = std::move(name); }

 private:
  std::shared_ptr<FakeDevice> device_;
  FakeHostBackend host_;
  Machine machine_;
  std::string device_class_ = "gpu";
};

// As FakeDeviceBackend compiles it. REQUIRES: it compiles.
CompiledKernel FakeKernel(const std::string& source);

}  // namespace ks

#endif  // KS_TESTS_EVALUATE_FAKE_DEVICE_H_
