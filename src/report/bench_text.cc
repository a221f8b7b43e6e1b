// A benchmark for the terminal.
#include <fmt/format.h>

#include "base/text.h"
#include "report/bench.h"
#include "report/numbers.h"
#include "report/table.h"

namespace ks {
namespace {

constexpr Column::Align kRightAligned = Column::Align::kRight;

Cell AnswerCell(const BenchedTask& task) {
  if (task.unchanged && task.state == AnswerState::kCorrect) return {"unchanged", Ink::kDim};
  return {AnswerStateName(task.state),
          task.state == AnswerState::kCorrect ? Ink::kPlain : Ink::kRed};
}

std::string TaskRows(const BenchInput& input, const BenchSummary& summary, const Style& style) {
  std::vector<std::string> others;
  for (const BenchSlice& slice : summary.slices) {
    if (slice.baseline == input.baseline || slice.own_kernels) continue;
    others.push_back(slice.baseline);
  }
  std::vector<Column> columns = {{"task", Column::Align::kLeft, 30},
                                 {"level", Column::Align::kLeft, 14},
                                 {"answer", Column::Align::kLeft},
                                 {"over " + input.baseline, kRightAligned}};
  for (const std::string& name : others)
    columns.push_back({"over " + PrintableLine(name), kRightAligned});
  columns.push_back({"rounds", kRightAligned});
  columns.push_back({"device", kRightAligned});
  columns.push_back({"time", kRightAligned});
  Table table(columns);
  for (const BenchedTask& task : input.tasks) {
    const bool correct = task.state == AnswerState::kCorrect;
    std::vector<Cell> row = {{task.name},
                             {input.LevelName(task.level)},
                             AnswerCell(task),
                             {correct ? FormatSpeedup(task.speedup) : "0"}};
    for (const std::string& name : others) {
      const auto found = task.baselines.find(name);
      row.push_back(
          {found == task.baselines.end() ? (correct ? "-" : "0") : FormatSpeedup(found->second)});
    }
    row.push_back({fmt::format("{}", task.rounds)});
    row.push_back({FormatSeconds(task.device_seconds)});
    row.push_back({FormatSeconds(task.seconds)});
    table.Add(std::move(row));
  }
  return table.Render(style, 2);
}

std::string WhyZero(const BenchInput& input, const Style& style) {
  std::string out;
  for (const BenchedTask& task : input.tasks) {
    if (task.reason.empty()) continue;
    out += fmt::format("  {} {}: {}\n", Paint(style, Ink::kRed, AnswerStateName(task.state)),
                       PrintableLine(task.name), PrintableLine(task.reason));
  }
  for (const LeftOut& task : input.left_out) {
    out += fmt::format("  left out {}: {}\n", PrintableLine(task.name), PrintableLine(task.reason));
  }
  return out.empty() ? "" : "\n" + out;
}

std::vector<Cell> MetricCells(std::string name, const SuiteMetrics& at, const SuiteMetrics& low,
                              const SuiteMetrics& high, Ink ink) {
  return {{std::move(name), ink},
          {fmt::format("{}", at.tasks), ink},
          {FormatPercent(at.corr), ink},
          {fmt::format("{:.2f}", at.fast_1), ink},
          {fmt::format("{} [{}, {}]", FormatRatio(at.amsr), FormatRatio(low.amsr),
                       FormatRatio(high.amsr)),
           ink},
          {FormatRatio(at.geometric_mean), ink}};
}

std::string MetricRows(const BenchInput& input, const BenchSlice& slice, const Style& style) {
  Table table({{"over " + PrintableLine(slice.baseline), Column::Align::kLeft, 40},
               {"tasks", kRightAligned},
               {"corr", kRightAligned},
               {"fast_1", kRightAligned},
               {"amsr", kRightAligned},
               {"geometric mean", kRightAligned}});
  const ProtocolMetrics& at = slice.metrics;
  const auto row = [&](std::string name, const SuiteMetrics& mid, const SuiteMetrics& low,
                       const SuiteMetrics& high,
                       Ink ink) { table.Add(MetricCells(std::move(name), mid, low, high, ink)); };
  for (size_t i = 0; i < at.levels.size(); ++i) {
    row(input.LevelName(at.levels[i].level), at.levels[i].metrics, slice.at_low.levels[i].metrics,
        slice.at_high.levels[i].metrics, Ink::kPlain);
  }
  if (at.levels.size() > 1) {
    row("mean of the levels (macro)", at.macro, slice.at_low.macro, slice.at_high.macro,
        Ink::kBold);
    row("all tasks alike", at.by_task, slice.at_low.by_task, slice.at_high.by_task, Ink::kPlain);
  }
  return table.Render(style, 2);
}

std::string FastRows(const BenchSummary& summary, const Style& style) {
  std::vector<Column> columns = {{"fast_p, all tasks", Column::Align::kLeft, 40}};
  for (const auto& [p, share] : summary.slices.front().fast_p) {
    columns.push_back({fmt::format("> {:g}x", p), kRightAligned});
  }
  Table table(columns);
  for (const BenchSlice& slice : summary.slices) {
    if (slice.own_kernels || !slice.precision.empty()) continue;
    std::vector<Cell> row = {{"over " + slice.baseline}};
    for (const auto& [p, share] : slice.fast_p) row.push_back({fmt::format("{:.2f}", share)});
    table.Add(std::move(row));
  }
  return table.Render(style, 2);
}

std::string LookName(const BenchSlice& slice) {
  std::string name = "over " + slice.baseline;
  if (slice.own_kernels) {
    name += fmt::format(", own kernels {} or more", FormatPercent(kOwnKernelCoverage));
  }
  if (!slice.precision.empty()) name += ", only " + slice.precision;
  return name;
}

// The other ways to look at the answers, a row each.
std::string LookRows(const BenchSummary& summary, const Style& style) {
  if (summary.slices.size() < 2) return "";
  const bool levels = summary.slices.front().metrics.levels.size() > 1;
  Table table({{levels ? "mean of the levels (macro)" : "all tasks", Column::Align::kLeft, 60},
               {"tasks", kRightAligned},
               {"corr", kRightAligned},
               {"fast_1", kRightAligned},
               {"amsr", kRightAligned},
               {"geometric mean", kRightAligned}});
  for (size_t i = 1; i < summary.slices.size(); ++i) {
    const BenchSlice& slice = summary.slices[i];
    table.Add(MetricCells(LookName(slice), slice.metrics.macro, slice.at_low.macro,
                          slice.at_high.macro, Ink::kPlain));
  }
  return "\n" + table.Render(style, 2);
}

std::string Costs(const BenchInput& input) {
  BenchedTask sum;
  for (const BenchedTask& task : input.tasks) {
    sum.rounds += task.rounds;
    sum.seconds += task.seconds;
    sum.device_seconds += task.device_seconds;
    sum.cost_usd += task.cost_usd;
    sum.tokens += task.tokens;
  }
  std::string out = fmt::format("used: {} rounds, {} of the device, {} in all", sum.rounds,
                                FormatSeconds(sum.device_seconds), FormatSeconds(sum.seconds));
  if (sum.tokens > 0) out += fmt::format("; {} tokens, {:.2f} USD", sum.tokens, sum.cost_usd);
  return out + "\n";
}

}  // namespace

std::string BenchText(const BenchInput& input, const BenchSummary& summary, const Style& style) {
  std::string out = fmt::format(
      "{}, protocol {}: {}, {} correctness trials of the final answer; {}, proposer {}\n",
      PrintableLine(input.suite), input.protocol, input.budget, input.trials, input.backend,
      PrintableLine(input.proposer));
  for (const std::string& deviation : input.deviations) {
    out += fmt::format("{} {}\n", Paint(style, Ink::kYellow, "not as published:"),
                       PrintableLine(deviation));
  }
  out += "\n" + TaskRows(input, summary, style) + WhyZero(input, style);
  out += "\n" + MetricRows(input, summary.slices.front(), style) + LookRows(summary, style);
  return out + "\n" + FastRows(summary, style) + "\n" + Costs(input);
}

}  // namespace ks
