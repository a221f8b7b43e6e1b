#include "measure/two_samples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"

namespace ks {
namespace {

constexpr size_t kMostExact = 60;
constexpr int kResamples = 4000;

// Twice the rank of every value: whole numbers also for the middle ranks of ties.
std::vector<size_t> DoubledRanks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t x, size_t y) { return values[x] < values[y]; });
  std::vector<size_t> ranks(values.size());
  for (size_t from = 0; from < order.size();) {
    size_t to = from;
    while (to < order.size() && !(values[order[from]] < values[order[to]])) ++to;
    for (size_t i = from; i < to; ++i) ranks[order[i]] = from + 1 + to;
    from = to;
  }
  return ranks;
}

double NormalTwoSided(double z) { return std::erfc(std::abs(z) / std::sqrt(2.0)); }

// Sum over groups of equal values of t^3 - t.
double TieTerm(std::vector<size_t> ranks) {
  std::sort(ranks.begin(), ranks.end());
  double sum = 0;
  for (size_t from = 0; from < ranks.size();) {
    size_t to = from;
    while (to < ranks.size() && ranks[to] == ranks[from]) ++to;
    const auto t = static_cast<double>(to - from);
    sum += t * t * t - t;
    from = to;
  }
  return sum;
}

// Share of the equally likely sums that lie at least as far from their mean as `observed`. `ways`:
// how many ways lead to each sum.
double FarShare(const std::vector<double>& ways, double mean, double observed) {
  double far = 0, all = 0;
  for (size_t sum = 0; sum < ways.size(); ++sum) {
    all += ways[sum];
    const double distance = std::abs(static_cast<double>(sum) - mean);
    if (distance >= std::abs(observed - mean) - 1e-9) far += ways[sum];
  }
  return std::min(1.0, far / all);
}

}  // namespace

double RankSumP(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  const std::vector<size_t> ranks = DoubledRanks(all);
  const size_t total = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  const size_t observed = std::accumulate(
      ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(a.size()), size_t{0});
  const auto n = static_cast<double>(all.size());
  const double mean = static_cast<double>(total) * static_cast<double>(a.size()) / n;
  if (all.size() > kMostExact) {
    const double pairs = static_cast<double>(a.size()) * static_cast<double>(b.size());
    const double variance = 4 * pairs / 12 * ((n + 1) - TieTerm(ranks) / (n * (n - 1)));
    if (variance <= 0) return 1;
    const double distance = std::abs(static_cast<double>(observed) - mean) - 1;  // continuity
    return NormalTwoSided(std::max(0.0, distance) / std::sqrt(variance));
  }
  // ways[k][s]: choices of k values whose doubled ranks add up to s.
  std::vector<std::vector<double>> ways(a.size() + 1, std::vector<double>(total + 1, 0));
  ways[0][0] = 1;
  for (const size_t rank : ranks) {
    for (size_t k = a.size(); k > 0; --k) {
      for (size_t sum = total; sum + 1 > rank; --sum) ways[k][sum] += ways[k - 1][sum - rank];
    }
  }
  return FarShare(ways[a.size()], mean, static_cast<double>(observed));
}

double SignedRankP(std::span<const double> differences) {
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    positive.push_back(difference > 0);
  }
  if (sizes.empty()) return 1;
  const std::vector<size_t> ranks = DoubledRanks(sizes);
  const size_t total = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  size_t observed = 0;
  for (size_t i = 0; i < ranks.size(); ++i) observed += positive[i] ? ranks[i] : 0;
  const double mean = static_cast<double>(total) / 2;
  if (sizes.size() > kMostExact) {
    double variance = 0;
    for (const size_t rank : ranks) variance += static_cast<double>(rank * rank) / 4;
    return NormalTwoSided((static_cast<double>(observed) - mean) / std::sqrt(variance));
  }
  std::vector<double> ways(total + 1, 0);
  ways[0] = 1;
  for (const size_t rank : ranks) {
    for (size_t sum = total; sum + 1 > rank; --sum) ways[sum] += ways[sum - rank];
  }
  return FarShare(ways, mean, static_cast<double>(observed));
}

std::vector<double> HolmCorrected(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t x, size_t y) { return p[x] < p[y]; });
  std::vector<double> corrected(p.size(), 1);
  double least = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    least = std::max(least, std::min(1.0, p[order[i]] * static_cast<double>(order.size() - i)));
    corrected[order[i]] = least;
  }
  return corrected;
}

double SampleQuantile(std::span<const double> sorted, double share) {
  KS_CHECK(!sorted.empty());
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval GeometricMeanRatio(std::span<const TaskSamples> tasks, double confidence, uint64_t seed) {
  if (tasks.empty()) return {1, 1, 1};
  const auto log_mean = [](const std::vector<double>& values, Rng* rng) {
    KS_CHECK(!values.empty());
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += std::log(values[rng != nullptr ? rng->Below(values.size()) : i]);
    }
    return sum / static_cast<double>(values.size());
  };
  const auto ratio = [&](Rng* rng) {
    double sum = 0;
    for (const TaskSamples& task : tasks) sum += log_mean(task.a, rng) - log_mean(task.b, rng);
    return std::exp(sum / static_cast<double>(tasks.size()));
  };
  Rng rng(DeriveSeed(seed, "geometric_mean_ratio", 0));
  std::vector<double> drawn(kResamples);
  for (double& value : drawn) value = ratio(&rng);
  std::sort(drawn.begin(), drawn.end());
  const auto at = [&](double share) {
    return drawn[static_cast<size_t>(share * static_cast<double>(kResamples - 1) + 0.5)];
  };
  return {at((1 - confidence) / 2), ratio(nullptr), at((1 + confidence) / 2)};
}

}  // namespace ks
