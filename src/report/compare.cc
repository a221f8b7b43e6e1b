#include "report/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "measure/two_samples.h"

namespace ks {
namespace {

constexpr double kSignificance = 0.05;
constexpr double kConfidence = 0.95;

using Key = std::tuple<std::string, std::string, uint64_t>;

// Speed-ups by (config, task), in order of the seeds.
class Results {
 public:
  explicit Results(const CompareInput& input) : input_(input) {
    for (const ComparedRun& run : input.runs) runs_[{run.config, run.task, run.seed}] = &run;
  }
  std::vector<double> Of(size_t config, size_t task) const {
    std::vector<double> speedups;
    for (const uint64_t seed : input_.seeds) {
      const auto found = runs_.find({input_.configs[config].name, input_.tasks[task], seed});
      if (found == runs_.end()) continue;
      speedups.push_back(found->second->best.mid > 0 ? found->second->best.mid : 1.0);
    }
    return speedups;
  }

 private:
  const CompareInput& input_;
  std::map<Key, const ComparedRun*> runs_;
};

Spread SpreadOf(std::vector<double> speedups) {
  Spread spread;
  spread.runs = static_cast<int>(speedups.size());
  if (speedups.empty()) return spread;
  std::sort(speedups.begin(), speedups.end());
  spread.least = speedups.front();
  spread.lower = SampleQuantile(speedups, 0.25);
  spread.median = SampleQuantile(speedups, 0.5);
  spread.upper = SampleQuantile(speedups, 0.75);
  spread.most = speedups.back();
  return spread;
}

double LogMean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return sum / static_cast<double>(values.size());
}

Duel Fight(const CompareInput& input, const Results& results, size_t a, size_t b) {
  Duel duel;
  duel.a = a;
  duel.b = b;
  std::vector<TaskSamples> samples;
  std::vector<double> differences;
  for (size_t task = 0; task < input.tasks.size(); ++task) {
    TaskSamples sample{results.Of(a, task), results.Of(b, task)};
    duel.task_p.push_back(RankSumP(sample.a, sample.b));
    if (sample.a.empty() || sample.b.empty()) continue;
    const double difference = LogMean(sample.a) - LogMean(sample.b);
    differences.push_back(difference);
    if (duel.task_p.back() >= kSignificance) {
      ++duel.ties;
    } else {
      ++(difference > 0 ? duel.wins : duel.losses);
    }
    samples.push_back(std::move(sample));
  }
  duel.ratio = GeometricMeanRatio(samples, kConfidence, a * 1000 + b);
  duel.p = SignedRankP(differences);
  return duel;
}

}  // namespace

ComparedRun ComparedRunOf(const std::string& config, const std::string& run_dir,
                          const RunView& view) {
  ComparedRun run;
  run.config = config;
  run.task = view.started.task;
  run.seed = view.started.seed;
  run.run_dir = run_dir;
  run.evaluations = view.evaluations;
  run.seconds = view.elapsed_s;
  run.stop_reason = view.stop_reason;
  const ModelSpending spending = SpendingOf(view);
  run.cost_usd = spending.cost_usd;
  run.tokens = spending.tokens;
  if (view.best == kNoCandidate || view.baseline == kNoCandidate) {
    run.error = view.stop_reason.empty() ? "no candidate was measured" : view.stop_reason;
    return run;
  }
  run.best = view.SpeedupOf(view.best);
  SearchProgress progress = ProgressOf(view);
  run.evaluations = progress.evaluations;
  run.progress = std::move(progress.points);
  return run;
}

Comparison Compare(const CompareInput& input) {
  const Results results(input);
  Comparison comparison;
  comparison.spreads.resize(input.configs.size());
  comparison.totals.resize(input.configs.size());
  for (size_t config = 0; config < input.configs.size(); ++config) {
    double log_sum = 0;
    int counted = 0;
    for (size_t task = 0; task < input.tasks.size(); ++task) {
      Spread spread = SpreadOf(results.Of(config, task));
      if (spread.runs > 0) {
        log_sum += std::log(spread.median);
        ++counted;
      }
      comparison.spreads[config].push_back(spread);
    }
    ConfigTotals& totals = comparison.totals[config];
    if (counted > 0) totals.geometric_mean = std::exp(log_sum / counted);
  }
  for (const ComparedRun& run : input.runs) {
    for (size_t config = 0; config < input.configs.size(); ++config) {
      if (input.configs[config].name != run.config) continue;
      ConfigTotals& totals = comparison.totals[config];
      totals.evaluations += run.evaluations;
      totals.seconds += run.seconds;
      totals.cost_usd += run.cost_usd;
      totals.tokens += run.tokens;
      if (run.error.empty()) continue;
      ++totals.failed;
      for (size_t task = 0; task < input.tasks.size(); ++task) {
        if (input.tasks[task] == run.task) ++comparison.spreads[config][task].failed;
      }
    }
  }
  for (size_t a = 0; a < input.configs.size(); ++a) {
    for (size_t b = a + 1; b < input.configs.size(); ++b) {
      comparison.duels.push_back(Fight(input, results, a, b));
    }
  }
  std::vector<double> p;
  for (const Duel& duel : comparison.duels) p.push_back(duel.p);
  const std::vector<double> corrected = HolmCorrected(p);
  for (size_t i = 0; i < corrected.size(); ++i) comparison.duels[i].p_corrected = corrected[i];
  return comparison;
}

}  // namespace ks
