// A fixed number of threads that run what they are given, in the order it was given.
#ifndef KS_ENGINE_WORKER_POOL_H_
#define KS_ENGINE_WORKER_POOL_H_

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
class EnginePool {
 public:
  using Work = std::function<void(const std::stop_token& stop)>;

  explicit EnginePool(int threads);
  ~EnginePool();
  EnginePool(const EnginePool&) = delete;
  EnginePool& operator=(const EnginePool&) = delete;

  void Submit(Work work);

 private:
  void Run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Work> queue_;             // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: stops before the rest goes
};

}  // namespace ks

#endif  // KS_ENGINE_WORKER_POOL_H_
