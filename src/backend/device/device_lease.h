// The exclusive use of one device: while one thread checks or times there, nobody else does.
#ifndef KS_BACKEND_DEVICE_DEVICE_LEASE_H_
#define KS_BACKEND_DEVICE_DEVICE_LEASE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <stop_token>
#include <utility>

#include "base/result.h"

namespace ks {

// Thread-safe. Given in the order in which it was asked for, so that nobody starves. All backends
// that launch on one device share one.
class DeviceLease {
 public:
  // The lease while it lives. Movable; the lease outlives it.
  class Holder {
   public:
    explicit Holder(DeviceLease* lease) : lease_(lease) {}
    Holder(Holder&& other) noexcept : lease_(std::exchange(other.lease_, nullptr)) {}
    Holder& operator=(Holder&& other) noexcept {
      std::swap(lease_, other.lease_);
      return *this;
    }
    ~Holder() {
      if (lease_ != nullptr) lease_->Release();
    }

   private:
    DeviceLease* lease_;
  };

  DeviceLease() = default;
  DeviceLease(const DeviceLease&) = delete;
  DeviceLease& operator=(const DeviceLease&) = delete;

  // Waits for its turn. ERRORS: kCancelled after `stop`.
  Result<Holder> Acquire(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = next_ticket_++;
    if (turn_.wait(lock, std::move(stop), [&] { return serving_ == ticket; })) {
      since_ = Clock::now();
      return Holder(this);
    }
    abandoned_.insert(ticket);
    return Error{ErrorCode::kCancelled, "stopped while waiting for the device"};
  }

  // Seconds that it was held so far, by whomever; what holds it now counts when it ends.
  double busy_s() const {
    const std::lock_guard lock(mutex_);
    return busy_s_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Release() {
    {
      const std::lock_guard lock(mutex_);
      busy_s_ += std::chrono::duration<double>(Clock::now() - since_).count();
      ++serving_;
      while (abandoned_.erase(serving_) > 0) ++serving_;  // those who gave up waiting
    }
    turn_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable_any turn_;
  uint64_t next_ticket_ = 0;  // all below guarded by mutex_
  double busy_s_ = 0;
  Clock::time_point since_;
  uint64_t serving_ = 0;
  std::set<uint64_t> abandoned_;
};

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_DEVICE_LEASE_H_
