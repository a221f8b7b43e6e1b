#include "report/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace ks {
namespace {

constexpr double kFastP[] = {0.5, 0.8, 1, 1.2, 1.5, 2, 3, 5, 10};

double BestAfter(const BenchedTask& task, int64_t round) {
  if (task.state != AnswerState::kCorrect) return 0;
  double best = task.start;
  for (const ProgressPoint& point : task.progress) {
    if (point.evaluation > round) break;
    best = std::max(best, point.speedup);
  }
  return best;
}

BenchCurve CurveOf(const std::vector<const BenchedTask*>& tasks, int64_t rounds, std::string name) {
  BenchCurve curve{std::move(name), {}};
  for (int64_t round = 0; round <= rounds; ++round) {
    double sum = 0;
    for (const BenchedTask* task : tasks) sum += BestAfter(*task, round);
    curve.mean.push_back(sum / static_cast<double>(tasks.size()));
  }
  return curve;
}

std::vector<BenchCurve> LevelCurves(const BenchInput& input) {
  std::map<int, std::vector<const BenchedTask*>> levels;
  int64_t rounds = 0;
  for (const BenchedTask& task : input.tasks) {
    levels[task.level].push_back(&task);
    rounds = std::max(rounds, task.rounds);
  }
  std::vector<BenchCurve> curves;
  for (const auto& [level, tasks] : levels) {
    curves.push_back(CurveOf(tasks, rounds, input.LevelName(level)));
  }
  if (curves.size() < 2) return curves;
  BenchCurve macro{"macro", std::vector<double>(static_cast<size_t>(rounds) + 1, 0.0)};
  for (const BenchCurve& curve : curves) {
    for (size_t i = 0; i < curve.mean.size(); ++i) {
      macro.mean[i] += curve.mean[i] / static_cast<double>(curves.size());
    }
  }
  curves.push_back(std::move(macro));
  return curves;
}

void Fill(const BenchInput& input, BenchSlice& slice) {
  std::vector<SuiteResult> mid, low, high;
  for (const BenchedTask& task : input.tasks) {
    const auto result = ResultIn(input, slice, task);
    if (!result) {
      const bool of_precision = slice.precision.empty() || slice.precision == task.precision;
      slice.without_baseline += of_precision ? 1 : 0;
      continue;
    }
    SuiteResult at = result->first;
    mid.push_back(at);
    at.speedup = result->second.low;
    low.push_back(at);
    at.speedup = result->second.high;
    high.push_back(at);
  }
  slice.metrics = PaperMetrics(mid);
  slice.at_low = PaperMetrics(low);
  slice.at_high = PaperMetrics(high);
  for (const double p : kFastP) slice.fast_p.emplace_back(p, FastP(mid, p));
}

}  // namespace

const char* AnswerStateName(AnswerState state) {
  switch (state) {
    case AnswerState::kCorrect:
      return "correct";
    case AnswerState::kWrong:
      return "wrong";
    case AnswerState::kFailed:
      break;
  }
  return "failed";
}

std::string BenchInput::LevelName(int level) const {
  const auto found = level_names.find(level);
  return found == level_names.end() ? fmt::format("level {}", level) : found->second;
}

std::optional<std::pair<SuiteResult, Interval>> ResultIn(const BenchInput& input,
                                                         const BenchSlice& slice,
                                                         const BenchedTask& task) {
  if (!slice.precision.empty() && slice.precision != task.precision) return std::nullopt;
  SuiteResult result;
  result.level = task.level;
  result.correct = task.state == AnswerState::kCorrect;
  if (slice.own_kernels) {
    result.correct = result.correct && task.coverage && *task.coverage >= kOwnKernelCoverage;
  }
  if (!result.correct) return std::make_pair(result, Interval{});
  Interval speedup = task.speedup;
  if (slice.baseline != input.baseline) {
    const auto found = task.baselines.find(slice.baseline);
    if (found == task.baselines.end()) return std::nullopt;
    speedup = found->second;
  }
  result.speedup = speedup.mid;
  return std::make_pair(result, speedup);
}

BenchSummary Summarize(const BenchInput& input) {
  std::set<std::string> baselines, precisions;
  bool covered = false;
  for (const BenchedTask& task : input.tasks) {
    for (const auto& [name, ratio] : task.baselines) baselines.insert(name);
    if (!task.precision.empty()) precisions.insert(task.precision);
    covered = covered || task.coverage.has_value();
  }
  baselines.erase(input.baseline);
  BenchSummary summary;
  const auto add = [&](const std::string& baseline, bool own_kernels,
                       const std::string& precision) {
    BenchSlice slice;
    slice.baseline = baseline;
    slice.own_kernels = own_kernels;
    slice.precision = precision;
    Fill(input, slice);
    summary.slices.push_back(std::move(slice));
  };
  add(input.baseline, false, "");
  for (const std::string& name : baselines) add(name, false, "");
  if (covered) {
    add(input.baseline, true, "");
    for (const std::string& name : baselines) add(name, true, "");
  }
  if (precisions.size() > 1) {
    for (const std::string& precision : precisions) add(input.baseline, false, precision);
  }
  summary.curves = LevelCurves(input);
  return summary;
}

}  // namespace ks
