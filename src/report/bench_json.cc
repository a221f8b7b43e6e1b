// A benchmark as JSON: docs/json_output.md.
#include <nlohmann/json.hpp>

#include "report/bench.h"

namespace ks {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson IntervalJson(const Interval& interval) {
  if (!(interval.mid > 0)) return nullptr;
  return {{"low", interval.low}, {"mid", interval.mid}, {"high", interval.high}};
}

OrderedJson TaskJson(const BenchInput& input, const BenchedTask& task) {
  OrderedJson baselines = OrderedJson::object();
  for (const auto& [name, ratio] : task.baselines) baselines[name] = IntervalJson(ratio);
  OrderedJson progress = OrderedJson::array();
  for (const ProgressPoint& point : task.progress) {
    progress.push_back({point.evaluation, point.seconds, point.speedup});
  }
  OrderedJson out = {{"name", task.name},
                     {"level", task.level},
                     {"level_name", input.LevelName(task.level)},
                     {"precision", nullptr},
                     {"state", AnswerStateName(task.state)},
                     {"outcome", nullptr},
                     {"reason", task.reason},
                     {"unchanged", task.unchanged},
                     {"speedup", IntervalJson(task.speedup)},
                     {"baselines", baselines},
                     {"coverage", nullptr},
                     {"in_search", IntervalJson(task.in_search)},
                     {"start", task.start},
                     {"rounds", task.rounds},
                     {"seconds", task.seconds},
                     {"device_seconds", task.device_seconds},
                     {"compile_seconds", task.compile_seconds},
                     {"cost_usd", task.cost_usd},
                     {"tokens", task.tokens},
                     {"stop_reason", task.stop_reason},
                     {"run", task.run_dir},
                     {"progress", progress}};
  if (!task.precision.empty()) out["precision"] = task.precision;
  if (!task.outcome.empty()) out["outcome"] = task.outcome;
  if (task.coverage) out["coverage"] = *task.coverage;
  return out;
}

OrderedJson MetricsJson(const SuiteMetrics& at, const SuiteMetrics& low, const SuiteMetrics& high) {
  return {{"tasks", at.tasks},
          {"corr", at.corr},
          {"fast_1", at.fast_1},
          {"amsr", {{"low", low.amsr}, {"mid", at.amsr}, {"high", high.amsr}}},
          {"geometric_mean", at.geometric_mean}};
}

OrderedJson SliceJson(const BenchInput& input, const BenchSlice& slice) {
  OrderedJson levels = OrderedJson::array();
  for (size_t i = 0; i < slice.metrics.levels.size(); ++i) {
    const int level = slice.metrics.levels[i].level;
    OrderedJson entry = {{"level", level}, {"name", input.LevelName(level)}};
    entry.update(MetricsJson(slice.metrics.levels[i].metrics, slice.at_low.levels[i].metrics,
                             slice.at_high.levels[i].metrics));
    levels.push_back(std::move(entry));
  }
  OrderedJson fast_p = OrderedJson::array();
  for (const auto& [p, share] : slice.fast_p) fast_p.push_back({p, share});
  OrderedJson out = {
      {"baseline", slice.baseline},
      {"own_kernels", slice.own_kernels},
      {"precision", nullptr},
      {"without_baseline", slice.without_baseline},
      {"levels", levels},
      {"macro", MetricsJson(slice.metrics.macro, slice.at_low.macro, slice.at_high.macro)},
      {"by_task", MetricsJson(slice.metrics.by_task, slice.at_low.by_task, slice.at_high.by_task)},
      {"fast_p", fast_p}};
  if (!slice.precision.empty()) out["precision"] = slice.precision;
  return out;
}

}  // namespace

std::string BenchJson(const BenchInput& input, const BenchSummary& summary) {
  OrderedJson out = {{"format", 1},
                     {"kernelsmith", input.version},
                     {"suite", input.suite},
                     {"protocol", input.protocol},
                     {"deviations", input.deviations},
                     {"backend", input.backend},
                     {"proposer", input.proposer},
                     {"config_hash", input.config_hash},
                     {"budget", input.budget},
                     {"trials", input.trials},
                     {"baseline", input.baseline},
                     {"machine", input.machine},
                     {"unix_ms", input.unix_ms},
                     {"planned", input.planned},
                     {"metrics", OrderedJson::array()},
                     {"curves", OrderedJson::array()},
                     {"tasks", OrderedJson::array()},
                     {"left_out", OrderedJson::array()}};
  for (const BenchSlice& slice : summary.slices) out["metrics"].push_back(SliceJson(input, slice));
  for (const BenchCurve& curve : summary.curves) {
    out["curves"].push_back({{"name", curve.name}, {"mean", curve.mean}});
  }
  for (const BenchedTask& task : input.tasks) out["tasks"].push_back(TaskJson(input, task));
  for (const LeftOut& task : input.left_out) {
    out["left_out"].push_back(
        {{"name", task.name}, {"level", task.level}, {"reason", task.reason}});
  }
  return out.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace ks
