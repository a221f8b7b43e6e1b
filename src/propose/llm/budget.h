// What a run may spend on models: money, tokens, calls. Never more than that is spent.
#ifndef KS_PROPOSE_LLM_BUDGET_H_
#define KS_PROPOSE_LLM_BUDGET_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "base/result.h"

namespace ks {

struct Spending {
  double usd = 0;
  int64_t tokens = 0;  // prompt + answer
  int64_t calls = 0;   // requests that were sent, retries included
  bool operator==(const Spending&) const = default;
};

// Thread-safe. A request first reserves the most it can cost and settles with what it did cost. So
// requests in flight together never pass a limit, as long as a server keeps to max_tokens.
class Budget {
 public:
  // 0: no limit. `spent`: before this process (a resumed run).
  explicit Budget(Spending limit, Spending spent = {}) : limit_(limit), spent_(spent) {}

  // Waits while the room is only taken by requests in flight. ERRORS: kResourceExhausted (which
  // limit, what is spent), kCancelled after `stop`.
  Status Reserve(const Spending& most, std::stop_token stop);
  // `most` as reserved; `cost` is what it came to.
  void Settle(const Spending& most, const Spending& cost);
  Spending spent() const;

 private:
  // The limit that `most` on top of `held` would pass, or null.
  const char* Passed(const Spending& held, const Spending& most) const;

  const Spending limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any settled_;
  Spending spent_;     // guarded by mutex_
  Spending reserved_;  // guarded by mutex_
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_BUDGET_H_
