// A fake machine for the service's tests: evaluators whose candidates say themselves how they fare.
//
// A source is words: "wrong" fails the check, "broken" does not compile, "fault" is a fault of ours
// every time, "fault_once" and "killed_once" only the first time, "hold" waits until Release() or a
// stop, "slow" takes 30 ms of timing, "hungry" runs out of memory.
#ifndef KS_TESTS_SERVICE_DOUBLES_H_
#define KS_TESTS_SERVICE_DOUBLES_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/hash.h"
#include "base/text.h"
#include "service/evaluator_pool.h"
#include "task/library.h"
#include "task/loader.h"

namespace ks {

class FakeMachineRoom final : public EvaluatorSource {
 public:
  FakeMachineRoom() { AddDevice("cpu"); }
  // Before a service starts.
  void AddDevice(const std::string& id) {
    ServedDevice device;
    device.id = id;
    device.backend = "cpu";
    device.machine.id = "machine";
    device.machine.cpu = "fake";
    devices_.push_back(std::move(device));
  }
  const std::vector<ServedDevice>& devices() const override { return devices_; }
  ServedDevice& device(size_t i) { return devices_[i]; }
  Result<std::unique_ptr<Evaluator>> Make(const Task& task, size_t device,
                                          const EvaluationConfig& config) override;

  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    wake_.notify_all();
  }
  int made() const { return made_; }
  // Evaluations that came to their end, by source; those with the time stage only.
  std::map<std::string, int> timed() const {
    const std::lock_guard lock(mutex_);
    return timed_;
  }
  // Sources in the order in which their timing began.
  std::vector<std::string> order() const {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  int checked(const std::string& source) const {
    const std::lock_guard lock(mutex_);
    const auto found = checked_.find(source);
    return found == checked_.end() ? 0 : found->second;
  }
  int held() const { return held_; }
  // Most timings at once on one device, and most evaluations in all.
  int most_timings() const { return most_timings_; }
  int most_at_once() const { return most_at_once_; }

 private:
  friend class FakeEvaluator;
  std::vector<ServedDevice> devices_;
  std::atomic<int> made_ = 0;
  std::atomic<int> held_ = 0;
  std::atomic<int> at_once_ = 0;
  std::atomic<int> most_at_once_ = 0;
  std::atomic<int> most_timings_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool released_ = false;
  std::map<size_t, int> timing_;  // on each device, now
  std::map<std::string, int> timed_;
  std::map<std::string, int> checked_;
  std::vector<std::string> order_;
  std::set<std::string> once_;
};

class FakeEvaluator final : public Evaluator {
 public:
  FakeEvaluator(const Task& task, size_t device, FakeMachineRoom& room)
      : task_(task), device_(device), room_(room) {}
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return room_.devices_[device_].machine; }

  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token stop) override {
    const AtOnce at_once(room_);
    const auto has = [&](std::string_view word) {
      for (const std::string_view one : SplitWords(request.source)) {
        if (one == word) return true;
      }
      return false;
    };
    const auto first = [&](const char* word) {
      const std::lock_guard lock(room_.mutex_);
      return room_.once_.insert(word + request.source).second;
    };
    if (has("fault") || (has("fault_once") && first("fault"))) {
      return Error{ErrorCode::kInternal, "the sandbox went away"};
    }
    if (has("hold") && !Hold(stop)) return Error{ErrorCode::kCancelled, "stopped"};
    Evaluation evaluation;
    evaluation.compiler = "fake";
    if (has("broken")) {
      evaluation.outcome = CompileFailed{{{"error", 1, 2, "broken"}}, "broken"};
      return evaluation;
    }
    evaluation.binary_hash = Sha256Hex(request.source);
    evaluation.outcome = Measured{};
    evaluation.seconds.compile = 0.001;
    if (request.stages.check) {
      const std::lock_guard lock(room_.mutex_);
      ++room_.checked_[request.source];
    }
    if (has("hungry")) {
      evaluation.outcome = OutOfMemory{.stage = "check"};
      return evaluation;
    }
    if (request.stages.check && has("wrong")) {
      evaluation.outcome = WrongResult{.workload = "w", .output = "y", .index = 3};
      return evaluation;
    }
    if (has("killed_once") && first("killed")) {
      evaluation.outcome = Crashed{.workload = "w", .signal = SIGKILL};
      return evaluation;
    }
    if (request.stages.time) Time(request, has("slow"), evaluation);
    return evaluation;
  }

 private:
  class AtOnce {
   public:
    explicit AtOnce(FakeMachineRoom& room) : room_(room) {
      Most(room.most_at_once_, ++room.at_once_);
    }
    ~AtOnce() { --room_.at_once_; }

   private:
    FakeMachineRoom& room_;
  };
  static void Most(std::atomic<int>& most, int now) {
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
  }
  // False: stopped.
  bool Hold(std::stop_token stop) {
    ++room_.held_;
    std::unique_lock lock(room_.mutex_);
    return room_.wake_.wait(lock, stop, [&] { return room_.released_; });
  }
  void Time(const EvaluationRequest& request, bool slow, Evaluation& evaluation) {
    {
      const std::lock_guard lock(room_.mutex_);
      room_.order_.push_back(request.source);
      Most(room_.most_timings_, ++room_.timing_[device_]);
    }
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    Measured measured;
    measured.speedup = measured.gain = {1.9, 2, 2.1};
    measured.gain_significant = true;
    evaluation.outcome = measured;
    evaluation.seconds.time = 0.002;
    const std::lock_guard lock(room_.mutex_);
    --room_.timing_[device_];
    ++room_.timed_[request.source];
  }

  const Task& task_;
  const size_t device_;
  FakeMachineRoom& room_;
};

inline Result<std::unique_ptr<Evaluator>> FakeMachineRoom::Make(const Task& task, size_t device,
                                                                const EvaluationConfig&) {
  ++made_;
  return std::unique_ptr<Evaluator>(std::make_unique<FakeEvaluator>(task, device, *this));
}

// A task of the library, by name.
inline Result<Task> LibraryTask(const std::string& name) { return TaskLibrary().Load(name); }

// True once `condition` holds; gives up after `seconds`.
template <typename F>
bool Eventually(F condition, double seconds = 20) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace ks

#endif  // KS_TESTS_SERVICE_DOUBLES_H_
