// Runners of one device: the one in use, and a spare that was started before it is needed.
#ifndef KS_BACKEND_DEVICE_RUNNER_POOL_H_
#define KS_BACKEND_DEVICE_RUNNER_POOL_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "backend/device/device_runner_process.h"

namespace ks {

struct RunnerPoolOptions {
  DeviceRunnerOptions runner;  // `thread` is the pool's own when it is null
  // A runner that held code of a candidate is used for the next one too. False where candidates are
  // native code of the runner's process.
  bool reuse_after_load = true;
  int spares = 1;  // started ahead; a confirmation in a fresh process takes one or two
};

// Starts, checks and replaces runners. Thread-safe. Runners must be given back or destroyed before
// the pool is.
class RunnerPool {
 public:
  // Starts the first runner, so that a machine without the device is known at once, and measures
  // the device. ERRORS: as DeviceRunnerProcess::Start.
  static Result<std::unique_ptr<RunnerPool>> Create(RunnerPoolOptions options,
                                                    std::stop_token stop);
  ~RunnerPool();

  // With copy_gbytes_per_s measured.
  const DeviceInfo& info() const { return info_; }
  // A healthy runner: one that came back, else the spare, else a new one. ERRORS: as
  // DeviceRunnerProcess::Start.
  Result<std::unique_ptr<DeviceRunner>> Take(std::stop_token stop);
  // A healthy runner that has loaded nothing: a spare, else a new one. ERRORS: as Take.
  Result<std::unique_ptr<DeviceRunner>> TakeFresh(std::stop_token stop);
  // Keeps it for the next Take when it can be used again; else it is killed here.
  void Return(std::unique_ptr<DeviceRunner> runner);

 private:
  using Runner = std::unique_ptr<DeviceRunnerProcess>;

  explicit RunnerPool(RunnerPoolOptions options);
  Result<Runner> StartOne(std::stop_token stop);
  // The idle one when `idle_too`, else a spare; waits for one that is being started. Null: neither.
  Runner TakeReady(bool idle_too, const std::stop_token& stop);
  Result<std::unique_ptr<DeviceRunner>> Checked(Runner runner, std::stop_token stop);
  void KeepSpares(const std::stop_token& stop);

  CloneThread clones_;
  RunnerPoolOptions options_;  // constant after Create
  DeviceInfo info_;            // constant after Create

  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  Runner idle_;
  std::vector<Runner> spares_;
  bool starting_ = false;  // the thread is at it
  int wanted_ = 0;         // spares
  std::jthread keeper_;    // starts spares
};

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_RUNNER_POOL_H_
