// A fixed number of threads that run what they are given, in the order it was given.
#ifndef KS_ENGINE_WORKER_POOL_H_
#define KS_ENGINE_WORKER_POOL_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace ks {

// Thread-safe; owns its threads. The destructor asks the work under way to stop and waits for it;
// what had not begun is dropped.
//
// Waking a thread takes longer than some work does. So a thread that has run out of work looks
// again after a moment before it waits to be woken up, and whoever waits for results hurries it.
class EnginePool {
 public:
  using Work = std::function<void(const std::stop_token& stop)>;
  static constexpr std::chrono::microseconds kMoment{250};

  explicit EnginePool(int threads);
  ~EnginePool();
  EnginePool(const EnginePool&) = delete;
  EnginePool& operator=(const EnginePool&) = delete;

  void Submit(Work work);
  // What was submitted begins now, not in a moment.
  void Hurry();
  // Wakes the threads that sleep and returns when they are awake: they look for work for a moment.
  void Rouse();

 private:
  void Run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable_any look_;  // for those that look again by themselves
  std::condition_variable awake_;     // for Rouse
  std::deque<Work> queue_;            // guarded by mutex_, as are the following
  int asleep_ = 0;                    // threads
  int looking_ = 0;
  bool rouse_ = false;                 // those that sleep look again
  std::vector<std::jthread> threads_;  // last: stops before the rest goes
};

}  // namespace ks

#endif  // KS_ENGINE_WORKER_POOL_H_
