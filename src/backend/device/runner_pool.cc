#include "backend/device/runner_pool.h"

#include <utility>

namespace ks {

RunnerPool::RunnerPool(RunnerPoolOptions options) : options_(std::move(options)) {
  if (options_.runner.thread == nullptr) options_.runner.thread = &clones_;
}

RunnerPool::~RunnerPool() {
  keeper_.request_stop();
  changed_.notify_all();
}

Result<std::unique_ptr<RunnerPool>> RunnerPool::Create(RunnerPoolOptions options,
                                                       std::stop_token stop) {
  std::unique_ptr<RunnerPool> self(new RunnerPool(std::move(options)));  // private constructor
  KS_ASSIGN_OR_RETURN(Runner first, self->StartOne(stop));
  self->info_ = first->info();
  // Nothing of a candidate was loaded yet, so that both can be believed.
  self->options_.runner.helper_image = first->helper_image();
  KS_ASSIGN_OR_RETURN(self->info_.copy_gbytes_per_s, first->MeasureCopyGbytes(stop));
  self->idle_ = std::move(first);
  if (self->options_.spares > 0) {
    RunnerPool* const pool = self.get();
    self->wanted_ = self->options_.spares;
    self->keeper_ = std::jthread([pool](const std::stop_token& end) { pool->KeepSpares(end); });
  }
  return self;
}

Result<RunnerPool::Runner> RunnerPool::StartOne(std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(Runner runner, DeviceRunnerProcess::Start(options_.runner, stop));
  if (runner->IsHealthy(stop)) return runner;
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
  return Error{ErrorCode::kUnavailable,
               "the device gives a wrong result for a known kernel: it may be broken"};
}

// A failed start is not repeated before the next Take, which reports it.
void RunnerPool::KeepSpares(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return wanted_ > 0; })) {
    --wanted_;
    starting_ = true;
    lock.unlock();
    Result<Runner> started = StartOne(stop);
    lock.lock();
    starting_ = false;
    if (started.ok()) {
      spares_.push_back(*std::move(started));
    } else {
      wanted_ = 0;
    }
    changed_.notify_all();
  }
}

RunnerPool::Runner RunnerPool::TakeReady(bool idle_too, const std::stop_token& stop) {
  Runner runner;
  {
    std::unique_lock lock(mutex_);
    const auto idle = [&] { return idle_ != nullptr && (idle_too || !idle_->has_loaded()); };
    changed_.wait(lock, stop,
                  [&] { return idle() || !spares_.empty() || !(starting_ || wanted_ > 0); });
    if (idle()) {
      runner = std::move(idle_);
    } else {
      if (!spares_.empty()) {
        runner = std::move(spares_.back());
        spares_.pop_back();
      }
      if (options_.spares > 0) {
        wanted_ = options_.spares - static_cast<int>(spares_.size()) - (starting_ ? 1 : 0);
      }
    }
  }
  changed_.notify_all();
  return runner;
}

Result<std::unique_ptr<DeviceRunner>> RunnerPool::Checked(Runner runner, std::stop_token stop) {
  if (runner != nullptr && runner->IsHealthy(stop)) {
    return std::unique_ptr<DeviceRunner>(std::move(runner));
  }
  runner.reset();
  KS_ASSIGN_OR_RETURN(Runner started, StartOne(stop));
  return std::unique_ptr<DeviceRunner>(std::move(started));
}

Result<std::unique_ptr<DeviceRunner>> RunnerPool::Take(std::stop_token stop) {
  return Checked(TakeReady(true, stop), stop);
}

Result<std::unique_ptr<DeviceRunner>> RunnerPool::TakeFresh(std::stop_token stop) {
  return Checked(TakeReady(false, stop), stop);
}

void RunnerPool::Return(std::unique_ptr<DeviceRunner> runner) {
  auto* const process = dynamic_cast<DeviceRunnerProcess*>(runner.get());
  if (process == nullptr || !process->alive()) return;
  if (process->has_loaded() && !options_.reuse_after_load) return;
  const std::lock_guard lock(mutex_);
  if (idle_ != nullptr) return;
  idle_.reset(process);
  (void)runner.release();
}

}  // namespace ks
