#include "measure/paired.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "measure/low_rank_test.h"
#include "measure/quantiles.h"

namespace ks {
namespace {

// From here on the rank test can reach the levels of one look.
constexpr size_t kRankTestPairs = 16;
// What no number of pairs averages away: resolution of the clock, placement of code and data.
constexpr double kSystematicLog = 0.001;
constexpr double kLargestLog = 46;  // e^46 = 1e20
constexpr size_t kFewestPairs = 3;
constexpr size_t kLossPairs = 4;
// One-sided levels of dropping a loser; they cost power, never honesty.
constexpr double kLossLevelFew = 0.01;
constexpr double kLossLevelMany = 0.005;
// A gain may be left this wide, and this share of itself: 2x +-10 %, 1.3x +-4.5 %.
constexpr double kWidestGain = 0.10;
constexpr double kGainShare = 0.15;
// Below kRankTestPairs only gains beyond this end a comparison.
constexpr double kHugeGain = 1.5;

std::vector<double> LogRatios(std::span<const PairedSample> samples) {
  std::vector<double> logs;
  logs.reserve(samples.size());
  for (const PairedSample& sample : samples) {
    logs.push_back(
        std::log(std::max(1.0, sample.reference_ns) / std::max(1.0, sample.candidate_ns)));
  }
  return logs;
}

struct LogEstimate {
  double location = 0;
  double half_width = 0;
};

// Trimmed mean with its Student half width at one-sided level `upper` (Yuen 1974): an n/6 of the
// values is cut at each end.
LogEstimate TrimmedT(std::vector<double> logs, double upper) {
  std::sort(logs.begin(), logs.end());
  const size_t n = logs.size();
  const size_t cut = n >= 8 ? n / 6 : 0;
  const auto kept = static_cast<double>(n - 2 * cut);
  double trimmed = 0, winsorized = 0, squares = 0;
  for (size_t i = cut; i < n - cut; ++i) trimmed += logs[i];
  trimmed /= kept;
  const auto at = [&](size_t i) { return logs[std::clamp(i, cut, n - cut - 1)]; };
  for (size_t i = 0; i < n; ++i) winsorized += at(i);
  winsorized /= static_cast<double>(n);
  for (size_t i = 0; i < n; ++i) squares += (at(i) - winsorized) * (at(i) - winsorized);
  const double error = std::sqrt(squares / (kept * (kept - 1)));
  return {trimmed, StudentUpperQuantile(upper, static_cast<int>(kept) - 1) * error};
}

// exp of a log interval, widened by the systematic part; finite and above zero.
Interval FromLogs(const Interval& logs) {
  const auto ratio = [](double x) { return std::exp(std::clamp(x, -kLargestLog, kLargestLog)); };
  return {ratio(logs.low - kSystematicLog), ratio(logs.mid), ratio(logs.high + kSystematicLog)};
}

int ScheduledLooks(const StoppingRule& rule) {
  int looks = 1;  // max_pairs
  for (int64_t pairs = rule.min_pairs; pairs < rule.max_pairs; pairs *= 2) ++looks;
  return looks;
}

}  // namespace

Interval RatioInterval(std::span<const PairedSample> samples, double confidence) {
  if (samples.size() < kFewestPairs) return {0, 0, std::numeric_limits<double>::infinity()};
  const double alpha = 1 - confidence;
  if (samples.size() >= kRankTestPairs) return FromLogs(LowRankTest(samples).Invert(alpha));
  const LogEstimate t = TrimmedT(LogRatios(samples), alpha / 2);
  return FromLogs({t.location - t.half_width, t.location, t.location + t.half_width});
}

const char* StopReasonName(StopReason reason) {
  switch (reason) {
    case StopReason::kContinue:
      return "continue";
    case StopReason::kTight:
      return "tight";
    case StopReason::kClearGain:
      return "clear_gain";
    case StopReason::kClearLoss:
      return "clear_loss";
    case StopReason::kMaxPairs:
      return "max_pairs";
    case StopReason::kBudget:
      return "budget";
  }
  return "";
}

PairedStopping::PairedStopping(const StoppingRule& rule) : rule_(rule) {
  KS_CHECK(rule.min_pairs >= 3 && rule.max_pairs >= rule.min_pairs);
  KS_CHECK(rule.confidence > 0.5 && rule.confidence < 1);
  alpha_left_ = 1 - rule.confidence;
  looks_left_ = ScheduledLooks(rule);
  next_look_ = rule.min_pairs;
}

StopReason PairedStopping::Add(const PairedSample& sample) {
  KS_CHECK(reason_ == StopReason::kContinue);
  samples_.push_back(sample);
  spent_ns_ += sample.reference_ns + sample.candidate_ns;
  const auto pairs = static_cast<int>(samples_.size());
  if (pairs >= rule_.max_pairs) {
    reason_ = StopReason::kMaxPairs;
  } else if (OverBudget()) {
    reason_ = LookAtBudget();
  } else if (IsHopeless()) {
    reason_ = StopReason::kClearLoss;
  } else if (pairs == next_look_) {
    reason_ = Look();
  }
  return reason_;
}

bool PairedStopping::OverBudget() const {
  const size_t pairs = samples_.size();
  const double budgets = spent_ns_ / (rule_.budget_ns * (extended_ ? rule_.extension : 1));
  if (pairs >= static_cast<size_t>(rule_.min_pairs)) return budgets >= 1;
  return (pairs >= kLossPairs && budgets >= 2) || (pairs >= kFewestPairs && budgets >= 4);
}

// Without an extension the whole level left goes into this last look. A look that decides about an
// extension takes half of it, and only when the estimate makes a gain likely: no gain can be
// claimed otherwise.
StopReason PairedStopping::LookAtBudget() {
  if (extended_ || rule_.extension <= 1) return StopReason::kBudget;
  const Interval now = RatioInterval(samples_, 1 - alpha_left_ / 2);
  if (now.mid <= 1 + rule_.margin) return StopReason::kBudget;
  alpha_left_ /= 2;
  if (now.low > 1 + rule_.margin) return StopReason::kBudget;
  extended_ = true;
  return StopReason::kContinue;
}

// True when the ratio is below 1 + margin with hardly a doubt: no gain will come of it.
bool PairedStopping::IsHopeless() const {
  const size_t pairs = samples_.size();
  if (pairs < kLossPairs || (pairs >= kRankTestPairs && pairs % 4 != 0)) return false;
  const double bound = std::log1p(rule_.margin);
  const double level = pairs < kRankTestPairs ? kLossLevelFew : kLossLevelMany;
  if (pairs < kRankTestPairs) {
    const LogEstimate t = TrimmedT(LogRatios(samples_), level);
    if (t.location + t.half_width + kSystematicLog < bound) return true;
    double slowest_reference = 0, fastest_candidate = HUGE_VAL;
    for (const PairedSample& sample : samples_) {
      slowest_reference = std::max(slowest_reference, sample.reference_ns);
      fastest_candidate = std::min(fastest_candidate, sample.candidate_ns);
    }
    // Complete separation: 1 in 70 by chance with 4 pairs, less with more.
    return slowest_reference < fastest_candidate;
  }
  return LowRankTest(samples_).RejectsFromAbove(bound - kSystematicLog, level);
}

StopReason PairedStopping::Look() {
  next_look_ = std::min(2 * next_look_, rule_.max_pairs);
  const double look_alpha = alpha_left_ / looks_left_--;
  const Interval now = RatioInterval(samples_, 1 - look_alpha);
  const double width = RelativeHalfWidth(now);
  const bool few = samples_.size() < kRankTestPairs;
  const double wide_enough =
      std::max(rule_.target_width, std::min(kWidestGain, kGainShare * (now.low - 1)));
  StopReason reason = StopReason::kContinue;
  if (now.low > (few ? kHugeGain : 1 + rule_.margin) && width <= wide_enough) {
    reason = StopReason::kClearGain;
  } else if (!few && width <= rule_.target_width &&
             !(now.low < 1 + rule_.margin && now.high > 1 + rule_.margin)) {
    reason = StopReason::kTight;
  }
  alpha_left_ = reason == StopReason::kContinue ? alpha_left_ - look_alpha : look_alpha;
  return reason;
}

Interval PairedStopping::interval() const { return RatioInterval(samples_, 1 - alpha_left_); }

}  // namespace ks
