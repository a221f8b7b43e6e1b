// A comparison for the terminal and as JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/compare.h"
#include "report/numbers.h"
#include "report/table.h"

namespace ks {
namespace {

using Json = nlohmann::ordered_json;

std::string SpreadText(const Spread& spread) {
  if (spread.runs == 0) return "-";
  std::string text = fmt::format("{}x [{}, {}]", FormatRatio(spread.median),
                                 FormatRatio(spread.least), FormatRatio(spread.most));
  if (spread.failed > 0) text += fmt::format(" {} failed", spread.failed);
  return text;
}

std::string PText(double p) { return p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p); }

std::string CostText(const ConfigTotals& totals) {
  std::string text =
      fmt::format("{} evaluations, {}", totals.evaluations, FormatSeconds(totals.seconds));
  if (totals.tokens > 0) {
    text += fmt::format(", {} tokens, {:.2f} USD", totals.tokens, totals.cost_usd);
  }
  return text;
}

Json ToJson(const Interval& interval) {
  return {{"low", interval.low}, {"mid", interval.mid}, {"high", interval.high}};
}

Json ToJson(const ComparedRun& run) {
  Json progress = Json::array();
  for (const ProgressPoint& point : run.progress) {
    progress.push_back({point.evaluation, point.seconds, point.speedup});
  }
  return {{"config", run.config},
          {"task", run.task},
          {"seed", run.seed},
          {"run", run.run_dir},
          {"speedup", ToJson(run.best)},
          {"evaluations", run.evaluations},
          {"seconds", run.seconds},
          {"cost_usd", run.cost_usd},
          {"tokens", run.tokens},
          {"stop_reason", run.stop_reason},
          {"error", run.error},
          {"progress", progress}};
}

}  // namespace

std::string CompareText(const CompareInput& input, const Comparison& comparison,
                        const Style& style) {
  std::string out =
      fmt::format("{} seeds, {} a run; speed-up over the baseline: median [least, most]\n\n",
                  input.seeds.size(), input.budget);
  std::vector<Column> columns = {{"task", Column::Align::kLeft, 24}};
  for (const ComparedConfig& config : input.configs) {
    columns.push_back({config.name, Column::Align::kRight, 32});
  }
  Table table(columns);
  for (size_t task = 0; task < input.tasks.size(); ++task) {
    std::vector<Cell> row = {{input.tasks[task]}};
    for (const auto& spreads : comparison.spreads) row.push_back({SpreadText(spreads[task])});
    table.Add(row);
  }
  std::vector<Cell> mean = {{"geometric mean", Ink::kBold}};
  for (const ConfigTotals& totals : comparison.totals) {
    mean.push_back({FormatSpeedup(totals.geometric_mean), Ink::kBold});
  }
  table.Add(mean);
  out += table.Render(style, 2);
  if (!comparison.duels.empty()) {
    out += "\n";
    Table duels({{"A", Column::Align::kLeft, 20},
                 {"B", Column::Align::kLeft, 20},
                 {"A wins/ties/loses", Column::Align::kRight},
                 {"A over B, 95 %", Column::Align::kRight},
                 {"p", Column::Align::kRight},
                 {"p, corrected", Column::Align::kRight}});
    for (const Duel& duel : comparison.duels) {
      duels.Add({{input.configs[duel.a].name},
                 {input.configs[duel.b].name},
                 {fmt::format("{}/{}/{}", duel.wins, duel.ties, duel.losses)},
                 {FormatGain(duel.ratio)},
                 {PText(duel.p)},
                 {PText(duel.p_corrected)}});
    }
    out += duels.Render(style, 2);
    if (input.seeds.size() < kLeastSeeds) {
      out += fmt::format("  With fewer than {} seeds no task can be won: all are ties.\n",
                         kLeastSeeds);
    }
  }
  out += "\n";
  Table costs({{"cost", Column::Align::kLeft, 24}, {"", Column::Align::kLeft}});
  for (size_t i = 0; i < input.configs.size(); ++i) {
    costs.Add({{input.configs[i].name}, {CostText(comparison.totals[i])}});
  }
  return out + costs.Render(style, 2);
}

std::string CompareJson(const CompareInput& input, const Comparison& comparison) {
  Json out = {{"version", 1},
              {"kernelsmith", input.version},
              {"machine", input.machine},
              {"unix_ms", input.unix_ms},
              {"budget", input.budget},
              {"seeds", input.seeds},
              {"tasks", input.tasks},
              {"configs", Json::array()},
              {"duels", Json::array()},
              {"runs", Json::array()}};
  for (size_t i = 0; i < input.configs.size(); ++i) {
    const ComparedConfig& config = input.configs[i];
    const ConfigTotals& totals = comparison.totals[i];
    Json tasks = Json::object();
    for (size_t task = 0; task < input.tasks.size(); ++task) {
      const Spread& spread = comparison.spreads[i][task];
      tasks[input.tasks[task]] = {{"runs", spread.runs},     {"failed", spread.failed},
                                  {"least", spread.least},   {"lower", spread.lower},
                                  {"median", spread.median}, {"upper", spread.upper},
                                  {"most", spread.most}};
    }
    out["configs"].push_back({{"name", config.name},
                              {"proposer", config.proposer},
                              {"hash", config.hash},
                              {"geometric_mean", totals.geometric_mean},
                              {"evaluations", totals.evaluations},
                              {"seconds", totals.seconds},
                              {"cost_usd", totals.cost_usd},
                              {"tokens", totals.tokens},
                              {"failed", totals.failed},
                              {"tasks", tasks}});
  }
  for (const Duel& duel : comparison.duels) {
    Json task_p = Json::object();
    for (size_t task = 0; task < input.tasks.size(); ++task) {
      task_p[input.tasks[task]] = duel.task_p[task];
    }
    out["duels"].push_back({{"a", input.configs[duel.a].name},
                            {"b", input.configs[duel.b].name},
                            {"wins", duel.wins},
                            {"ties", duel.ties},
                            {"losses", duel.losses},
                            {"ratio", ToJson(duel.ratio)},
                            {"p", duel.p},
                            {"p_corrected", duel.p_corrected},
                            {"task_p", task_p}});
  }
  for (const ComparedRun& run : input.runs) out["runs"].push_back(ToJson(run));
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ks
