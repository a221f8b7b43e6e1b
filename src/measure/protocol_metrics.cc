#include "measure/protocol_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace ks {
namespace {

bool IsRight(const SuiteResult& result) { return result.correct && result.speedup > 0; }

SuiteMetrics MeanOfLevels(const std::vector<LevelMetrics>& levels) {
  SuiteMetrics mean;
  if (levels.empty()) return mean;
  const double share = 1.0 / static_cast<double>(levels.size());
  for (const LevelMetrics& level : levels) {
    mean.tasks += level.metrics.tasks;
    mean.corr += share * level.metrics.corr;
    mean.fast_1 += share * level.metrics.fast_1;
    mean.amsr += share * level.metrics.amsr;
    mean.geometric_mean += share * level.metrics.geometric_mean;
  }
  return mean;
}

}  // namespace

double FastP(std::span<const SuiteResult> results, double p) {
  if (results.empty()) return 0;
  const auto fast = std::ranges::count_if(
      results, [p](const SuiteResult& result) { return IsRight(result) && result.speedup > p; });
  return static_cast<double>(fast) / static_cast<double>(results.size());
}

SuiteMetrics MetricsOf(std::span<const SuiteResult> results) {
  SuiteMetrics metrics;
  if (results.empty()) return metrics;
  double right = 0;
  double sum = 0;
  double logs = 0;
  for (const SuiteResult& result : results) {
    if (!IsRight(result)) continue;
    right += 1;
    logs += std::log(result.speedup);
    if (result.speedup >= 1) sum += result.speedup;
  }
  const auto all = static_cast<double>(results.size());
  metrics.tasks = static_cast<int>(results.size());
  metrics.corr = right / all;
  metrics.fast_1 = FastP(results, 1);
  metrics.amsr = sum / all;
  if (right > 0) metrics.geometric_mean = std::exp(logs / right);
  return metrics;
}

ProtocolMetrics PaperMetrics(std::span<const SuiteResult> results) {
  std::map<int, std::vector<SuiteResult>> by_level;
  for (const SuiteResult& result : results) by_level[result.level].push_back(result);
  ProtocolMetrics metrics;
  for (const auto& [level, of_level] : by_level) {
    metrics.levels.push_back({level, MetricsOf(of_level)});
  }
  metrics.macro = MeanOfLevels(metrics.levels);
  metrics.by_task = MetricsOf(results);
  return metrics;
}

}  // namespace ks
