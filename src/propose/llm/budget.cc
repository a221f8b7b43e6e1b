#include "propose/llm/budget.h"

#include <fmt/format.h>

namespace ks {
namespace {

Spending Sum(const Spending& a, const Spending& b) {
  return {a.usd + b.usd, a.tokens + b.tokens, a.calls + b.calls};
}

}  // namespace

const char* Budget::Passed(const Spending& held, const Spending& most) const {
  constexpr double kRounding = 1e-9;
  const Spending sum = Sum(Sum(spent_, held), most);
  if (limit_.usd > 0 && sum.usd > limit_.usd + kRounding) return "budget_usd";
  if (limit_.tokens > 0 && sum.tokens > limit_.tokens) return "budget_tokens";
  if (limit_.calls > 0 && sum.calls > limit_.calls) return "budget_calls";
  return nullptr;
}

Status Budget::Reserve(const Spending& most, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const char* passed = nullptr;
  const bool free = settled_.wait(lock, stop, [&] {
    passed = Passed({}, most);  // not even when everything in flight costs nothing
    return passed != nullptr || Passed(reserved_, most) == nullptr;
  });
  if (!free) return Error{ErrorCode::kCancelled, "stopped"};
  if (passed != nullptr) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("the budget of this run is spent: {} leaves no room for another "
                             "request (spent: {:.4f} USD, {} tokens, {} calls)",
                             passed, spent_.usd, spent_.tokens, spent_.calls)};
  }
  reserved_ = Sum(reserved_, most);
  return {};
}

void Budget::Settle(const Spending& most, const Spending& cost) {
  const std::lock_guard lock(mutex_);
  reserved_ = {reserved_.usd - most.usd, reserved_.tokens - most.tokens,
               reserved_.calls - most.calls};
  spent_ = Sum(spent_, cost);
  settled_.notify_all();
}

Spending Budget::spent() const {
  const std::lock_guard lock(mutex_);
  return spent_;
}

}  // namespace ks
