// A mutex that serves in the order of asking.
#ifndef KS_EVALUATE_TORCH_FAIR_MUTEX_H_
#define KS_EVALUATE_TORCH_FAIR_MUTEX_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace ks {

// For std::unique_lock. A search goes on when its oldest candidate is judged: whoever comes first
// must not wait for whoever comes later. Thread-safe.
class FairMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const uint64_t number = next_++;
    changed_.wait(lock, [&] { return served_ == number; });
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++served_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ = 0, served_ = 0;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_FAIR_MUTEX_H_
