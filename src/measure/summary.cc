// Summaries of one side and combination of ratios (measure/paired.h).
#include <algorithm>
#include <cmath>
#include <limits>

#include "measure/paired.h"

namespace ks {
namespace {

// Linear interpolation between order statistics. REQUIRES: sorted, not empty.
double Quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = position - static_cast<double>(below);
  return sorted[below] * (1 - share) + sorted[above] * share;
}

double TrimmedCv(const std::vector<double>& sorted, double median) {
  std::vector<double> deviations;
  for (double x : sorted) deviations.push_back(std::abs(x - median));
  std::sort(deviations.begin(), deviations.end());
  const double limit = 5 * 1.4826 * Quantile(deviations, 0.5);
  double sum = 0, squares = 0, count = 0;
  for (double x : sorted) {
    if (std::abs(x - median) > limit) continue;
    sum += x;
    squares += (x - median) * (x - median);
    ++count;
  }
  if (count < 2 || sum <= 0) return 0;
  const double mean = sum / count;
  const double variance = (squares - count * (mean - median) * (mean - median)) / (count - 1);
  return std::sqrt(std::max(0.0, variance)) / mean;
}

// Sums of logs with half widths in quadrature, each side by itself; every term scaled by `share`.
Interval Combine(std::span<const Interval> ratios, double share) {
  double mid = 0, below = 0, above = 0;
  for (const Interval& ratio : ratios) {
    if (!(ratio.mid > 0)) return {0, 0, std::numeric_limits<double>::infinity()};
    const double log_mid = std::log(ratio.mid);
    const double down = log_mid - (ratio.low > 0 ? std::log(ratio.low) : -HUGE_VAL);
    const double up = std::log(ratio.high) - log_mid;
    mid += share * log_mid;
    below += share * share * down * down;
    above += share * share * up * up;
  }
  return {std::exp(mid - std::sqrt(below)), std::exp(mid), std::exp(mid + std::sqrt(above))};
}

}  // namespace

TimeSummary SummarizeTimes(std::span<const double> ns) {
  if (ns.empty()) return {};
  std::vector<double> sorted(ns.begin(), ns.end());
  std::sort(sorted.begin(), sorted.end());
  const double median = Quantile(sorted, 0.5);
  return {median, Quantile(sorted, 0.99), TrimmedCv(sorted, median),
          static_cast<int>(sorted.size())};
}

Interval GeometricMean(std::span<const Interval> ratios) {
  if (ratios.empty()) return {1, 1, 1};
  return Combine(ratios, 1.0 / static_cast<double>(ratios.size()));
}

Interval Chain(const Interval& a_over_b, const Interval& b_over_c) {
  const Interval both[] = {a_over_b, b_over_c};
  return Combine(both, 1);
}

bool IsSignificantGain(const Interval& gain, double margin) { return gain.low > 1 + margin; }

bool IsSignificantLoss(const Interval& gain, double margin) { return gain.high < 1 - margin; }

double RelativeHalfWidth(const Interval& interval) {
  if (!(interval.low > 0)) return std::numeric_limits<double>::infinity();
  return 0.5 * std::log(interval.high / interval.low);
}

}  // namespace ks
