// A device is shared by many, or quiet for one: waiting ones that want quiet go first.
#ifndef KS_EVALUATE_TORCH_QUIET_GATE_H_
#define KS_EVALUATE_TORCH_QUIET_GATE_H_

#include <condition_variable>
#include <mutex>

namespace ks {

// As std::shared_mutex, whose sharers may starve the one who waits for all of them. Thread-safe.
class QuietGate {
 public:
  void lock_shared() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !quiet_ && waiting_ == 0; });
    ++sharers_;
  }
  void unlock_shared() {
    {
      const std::lock_guard lock(mutex_);
      --sharers_;
    }
    changed_.notify_all();
  }
  void lock() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [&] { return !quiet_ && sharers_ == 0; });
    --waiting_;
    quiet_ = true;
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      quiet_ = false;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int sharers_ = 0;
  int waiting_ = 0;
  bool quiet_ = false;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_QUIET_GATE_H_
