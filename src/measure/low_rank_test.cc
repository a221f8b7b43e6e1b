#include "measure/low_rank_test.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "measure/quantiles.h"

namespace ks {
namespace {

double Log(double ns) { return std::log(std::max(1.0, ns)); }

double Critical(double z, double kurtosis) { return z + (z * z * z - 3 * z) * kurtosis / 24; }

}  // namespace

LowRankTest::LowRankTest(std::span<const PairedSample> samples) {
  KS_CHECK(samples.size() >= 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    reference_.push_back({Log(samples[i].reference_ns), static_cast<int64_t>(i)});
    candidate_.push_back({Log(samples[i].candidate_ns), static_cast<int64_t>(i)});
  }
  const auto faster = [](const Call& a, const Call& b) { return a.log_ns < b.log_ns; };
  std::sort(reference_.begin(), reference_.end(), faster);
  std::sort(candidate_.begin(), candidate_.end(), faster);
}

LowRankScore LowRankTest::At(double log_ratio) const {
  const size_t pairs = reference_.size();
  std::vector<double> difference(pairs, 0.0);
  size_t r = 0, c = 0;
  // Walks the pool in rising order, one group of equal times after the other; scores run from
  // `pairs` down to 1 over the lower half, equal times share their mean.
  while (r + c < pairs) {
    const size_t first_r = r, first_c = c, first = r + c;
    const double reference = r < pairs ? reference_[r].log_ns - log_ratio : HUGE_VAL;
    const double time = std::min(reference, c < pairs ? candidate_[c].log_ns : HUGE_VAL);
    while (r < pairs && reference_[r].log_ns - log_ratio <= time) ++r;
    while (c < pairs && candidate_[c].log_ns <= time) ++c;
    const size_t scored = std::min(r + c, pairs) - first;
    const double sum =
        static_cast<double>(scored) * (static_cast<double>(2 * (pairs - first) - scored) + 1) / 2;
    const double score = sum / static_cast<double>(r + c - first);
    for (size_t i = first_r; i < r; ++i)
      difference[static_cast<size_t>(reference_[i].pair)] -= score;
    for (size_t i = first_c; i < c; ++i)
      difference[static_cast<size_t>(candidate_[i].pair)] += score;
  }
  double sum = 0, squares = 0, fourths = 0;
  for (double d : difference) {
    sum += d;
    squares += d * d;
    fourths += d * d * d * d;
  }
  if (squares <= 0) return {};
  return {sum / std::sqrt(squares), -2 * fourths / (squares * squares)};
}

bool LowRankTest::RejectsFromBelow(double log_ratio, double upper) const {
  const LowRankScore score = At(log_ratio);
  return score.z > Critical(NormalUpperQuantile(upper), score.kurtosis);
}

bool LowRankTest::RejectsFromAbove(double log_ratio, double upper) const {
  const LowRankScore score = At(log_ratio);
  return -score.z > Critical(NormalUpperQuantile(upper), score.kurtosis);
}

// The log ratio at which `is_below` (true for small ratios) turns false, to 1e-6.
template <typename F>
double LowRankTest::Bisect(F is_below) const {
  double low = reference_.front().log_ns - candidate_.back().log_ns - 1e-3;
  double high = reference_.back().log_ns - candidate_.front().log_ns + 1e-3;
  while (high - low > 1e-6) {
    const double middle = 0.5 * (low + high);
    (is_below(middle) ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Interval LowRankTest::Invert(double alpha) const {
  const double z = NormalUpperQuantile(alpha / 2);
  const auto beyond = [&](double log_ratio, double sign) {
    const LowRankScore score = At(log_ratio);
    return sign * score.z - Critical(z, score.kurtosis);
  };
  Interval interval;
  interval.mid = Bisect([&](double x) { return At(x).z > 0; });
  interval.low = std::min(interval.mid, Bisect([&](double x) { return beyond(x, 1) > 0; }));
  interval.high = std::max(interval.mid, Bisect([&](double x) { return beyond(x, -1) <= 0; }));
  return interval;
}

}  // namespace ks
