// Time as an argument: the real clock and one that a test moves by hand.
#ifndef KS_BASE_CLOCK_H_
#define KS_BASE_CLOCK_H_

#include <cstdint>
#include <string>

namespace ks {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes backwards; origin unspecified.
  virtual int64_t MonotonicNs() const = 0;
  // Milliseconds since 1970-01-01 UTC. May jump either way: never subtract two of these.
  virtual int64_t UnixMs() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t MonotonicNs() const override;
  int64_t UnixMs() const override;
};

// Single thread. Stands still until moved.
class FakeClock final : public Clock {
 public:
  int64_t MonotonicNs() const override { return monotonic_ns_; }
  int64_t UnixMs() const override { return unix_ms_; }
  void AdvanceMs(int64_t ms) {
    monotonic_ns_ += ms * 1'000'000;
    unix_ms_ += ms;
  }
  // Moves the wall clock alone; may be negative (a clock set back).
  void JumpWallMs(int64_t ms) { unix_ms_ += ms; }

 private:
  int64_t monotonic_ns_ = 1'000'000'000;
  int64_t unix_ms_ = 1'700'000'000'000;
};

// "2026-11-20T23:26:15Z"
std::string FormatUtc(int64_t unix_ms);

}  // namespace ks

#endif  // KS_BASE_CLOCK_H_
