// A benchmark as one page: the metrics, figure 1, fast_p, every task.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "report/bench.h"
#include "report/html_page.h"
#include "report/line_chart.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

constexpr double kWideChart = 1040, kHighChart = 340;
constexpr int kFastPoints = 240;

std::string BenchedSpeedupHtml(const Interval& speedup) {
  return fmt::format("<b>{}\u00d7</b> <span class=\"ci\">[{}, {}]</span>", FormatRatio(speedup.mid),
                     FormatRatio(speedup.low), FormatRatio(speedup.high));
}

std::string MetricRow(const std::string& name, const SuiteMetrics& at, const SuiteMetrics& low,
                      const SuiteMetrics& high) {
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{:.2f}</td>"
      "<td><b>{}</b> <span class=\"ci\">[{}, {}]</span></td><td>{}</td></tr>",
      name, at.tasks, FormatPercent(at.corr), at.fast_1, FormatRatio(at.amsr),
      FormatRatio(low.amsr), FormatRatio(high.amsr), FormatRatio(at.geometric_mean));
}

std::string TitleOf(const BenchSlice& slice) {
  std::string title = "Over " + Html(slice.baseline);
  if (slice.own_kernels) {
    title += fmt::format(", own kernels in at least {} of the device's time",
                         FormatPercent(kOwnKernelCoverage));
  }
  if (!slice.precision.empty()) title += ", only " + Html(slice.precision);
  return title;
}

std::string MetricTable(const BenchInput& input, const BenchSlice& slice) {
  std::string out =
      "<h3>" + TitleOf(slice) +
      "</h3><div class=\"scroll\"><table><thead><tr><th></th><th>tasks</th><th>corr</th>"
      "<th>fast_1</th><th>amsr</th><th>geometric mean</th></tr></thead><tbody>";
  const ProtocolMetrics &at = slice.metrics, &low = slice.at_low, &high = slice.at_high;
  for (size_t i = 0; i < at.levels.size(); ++i) {
    out += MetricRow(Html(input.LevelName(at.levels[i].level)), at.levels[i].metrics,
                     low.levels[i].metrics, high.levels[i].metrics);
  }
  if (at.levels.size() > 1) {
    out += MetricRow("mean of the levels (macro)", at.macro, low.macro, high.macro);
    out += MetricRow("all tasks alike", at.by_task, low.by_task, high.by_task);
  }
  out += "</tbody></table></div>";
  if (slice.without_baseline > 0) {
    out += fmt::format(
        "<p class=\"note\">{} correct answers were not compared with it and are left out.</p>",
        slice.without_baseline);
  }
  return out;
}

// The other ways to look at the answers: a row each, and all of it by level on demand.
std::string OtherLooks(const BenchInput& input, const BenchSummary& summary) {
  if (summary.slices.size() < 2) return "";
  const bool levels = summary.slices.front().metrics.levels.size() > 1;
  std::string rows, tables;
  for (size_t i = 1; i < summary.slices.size(); ++i) {
    const BenchSlice& slice = summary.slices[i];
    rows += MetricRow(TitleOf(slice), slice.metrics.macro, slice.at_low.macro, slice.at_high.macro);
    tables += MetricTable(input, slice);
  }
  std::string out = fmt::format(
      "<h3>Looked at otherwise{}</h3><div class=\"scroll\"><table><thead><tr><th></th>"
      "<th>tasks</th><th>corr</th><th>fast_1</th><th>amsr</th><th>geometric mean</th></tr></thead>"
      "<tbody>{}</tbody></table></div>",
      levels ? " (mean of the levels)" : "", rows);
  if (levels) out += "<details><summary>By level</summary>" + tables + "</details>";
  return out;
}

std::string Definitions(const BenchInput& input) {
  std::string out =
      "<details><summary>What these numbers mean</summary><table class=\"plain\"><tbody>"
      "<tr><th>corr</th><td>share of the tasks whose final answer is correct: it passed ";
  out +=
      fmt::format("{} trials with fresh secret inputs, and every audit, after the search</td></tr>",
                  input.trials);
  out +=
      "<tr><th>fast_p</th><td>share of the tasks whose answer is correct and more than p times as "
      "fast as the baseline; fast_1: faster at all</td></tr>"
      "<tr><th>amsr</th><td>mean of the speed-ups over all tasks, where a wrong answer or one "
      "slower than the baseline counts 0; in brackets with all tasks at the low and at the high "
      "end of their intervals</td></tr>"
      "<tr><th>geometric mean</th><td>of the speed-ups of the correct answers as they are</td></tr>"
      "<tr><th>macro</th><td>plain mean of the levels' values, as published; \u201call tasks "
      "alike\u201d weighs every task the same</td></tr>"
      "<tr><th>unchanged</th><td>the search found nothing better than where it began: over that "
      "the "
      "speed-up is 1 by definition, not faster</td></tr>";
  for (const auto& [name, note] : input.baseline_notes) {
    out += fmt::format("<tr><th>{}</th><td>{}</td></tr>", Html(name), Html(note));
  }
  return out + "</tbody></table></details>";
}

std::string Figure1(const BenchSummary& summary) {
  LineChart chart;
  chart.name = "mean of the best speed-up so far, by rounds";
  chart.label = chart.name;
  chart.width = kWideChart;
  chart.height = kHighChart;
  double low = 1, high = 1;
  std::vector<std::string> names;
  for (const BenchCurve& curve : summary.curves) {
    ChartLine line;
    for (size_t round = 0; round < curve.mean.size(); ++round) {
      line.x.push_back(static_cast<double>(round));
      line.y.push_back(curve.mean[round]);
      low = std::min(low, curve.mean[round]);
      high = std::max(high, curve.mean[round]);
    }
    chart.x.high = std::max(chart.x.high, static_cast<double>(curve.mean.size()) - 1);
    chart.lines.push_back(std::move(line));
    names.push_back(curve.name);
  }
  chart.y = {low < 1 ? 0 : 0.9, high * 1.08, false, ChartAxis::Unit::kTimes};
  return DrawLines(chart) + LineKeys(names);
}

// Share by p, of the tasks of each level and of all.
std::string FastCurve(const BenchInput& input, const BenchSlice& slice) {
  std::map<int, std::vector<SuiteResult>> levels;
  std::vector<SuiteResult> all;
  double most = 2;
  for (const BenchedTask& task : input.tasks) {
    const auto result = ResultIn(input, slice, task);
    if (!result) continue;
    levels[task.level].push_back(result->first);
    all.push_back(result->first);
    if (std::isfinite(result->first.speedup)) most = std::max(most, result->first.speedup);
  }
  LineChart chart;
  chart.name = "share of the tasks that are correct and more than p times as fast";
  chart.label = chart.name;
  chart.width = kWideChart;
  chart.height = kHighChart;
  chart.x = {0.5, most * 1.2, true, ChartAxis::Unit::kTimes};
  chart.y = {0, 1, false, ChartAxis::Unit::kPercent};
  std::vector<std::string> names;
  const auto add = [&](const std::vector<SuiteResult>& results, std::string name) {
    ChartLine line;
    for (int i = 0; i <= kFastPoints; ++i) {
      const double p =
          chart.x.low * std::pow(chart.x.high / chart.x.low, static_cast<double>(i) / kFastPoints);
      line.x.push_back(p);
      line.y.push_back(FastP(results, p));
    }
    chart.lines.push_back(std::move(line));
    names.push_back(std::move(name));
  };
  for (const auto& [level, results] : levels) add(results, input.LevelName(level));
  if (levels.size() > 1) add(all, "all tasks");
  return DrawLines(chart) + LineKeys(names);
}

std::string BenchTaskRow(const BenchInput& input, const BenchedTask& task,
                         const std::vector<std::string>& others, bool covered) {
  const bool correct = task.state == AnswerState::kCorrect;
  std::string out = fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td>", Html(task.name),
                                Html(input.LevelName(task.level)));
  out += correct
             ? fmt::format("<td>{}</td>", task.unchanged ? "unchanged" : "correct")
             : fmt::format("<td><span class=\"bad\">{}</span></td>", AnswerStateName(task.state));
  out += fmt::format("<td>{}</td>", correct ? BenchedSpeedupHtml(task.speedup) : "0");
  for (const std::string& name : others) {
    const auto found = task.baselines.find(name);
    const std::string none = correct ? "\u2013" : "0";
    out += fmt::format("<td>{}</td>",
                       found == task.baselines.end() ? none : BenchedSpeedupHtml(found->second));
  }
  if (covered) {
    out += fmt::format("<td>{}</td>", task.coverage ? FormatPercent(*task.coverage) : "\u2013");
  }
  return out + fmt::format("<td>{}</td><td>{}</td><td>{}</td></tr>", task.rounds,
                           FormatSeconds(task.device_seconds), FormatSeconds(task.seconds));
}

std::string BenchTaskTable(const BenchInput& input, const BenchSummary& summary) {
  std::vector<std::string> others;
  bool covered = false;
  for (const BenchSlice& slice : summary.slices) {
    covered = covered || slice.own_kernels;
    if (slice.baseline == input.baseline || slice.own_kernels) continue;
    others.push_back(slice.baseline);
  }
  std::string out = fmt::format(
      "<div class=\"scroll\"><table><thead><tr><th>task</th><th>level</th><th>answer</th>"
      "<th>over {}</th>",
      Html(input.baseline));
  for (const std::string& name : others) out += fmt::format("<th>over {}</th>", Html(name));
  if (covered) out += "<th>own kernels</th>";
  out += "<th>rounds</th><th>device</th><th>time</th></tr></thead><tbody>";
  for (const BenchedTask& task : input.tasks) out += BenchTaskRow(input, task, others, covered);
  out += "</tbody></table></div>";
  std::string reasons;
  for (const BenchedTask& task : input.tasks) {
    if (task.reason.empty()) continue;
    reasons += fmt::format("<li><p>{}: {}: {}</p></li>", Html(task.name),
                           AnswerStateName(task.state), Html(task.reason));
  }
  for (const LeftOut& task : input.left_out) {
    reasons +=
        fmt::format("<li><p>{} is left out: {}</p></li>", Html(task.name), Html(task.reason));
  }
  return reasons.empty() ? out : out + "<ul class=\"examples\">" + reasons + "</ul>";
}

std::string BenchHow(const BenchInput& input) {
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("<tr><th>{}</th><td>{}</td></tr>", name, value);
  };
  std::string out = "<table class=\"plain\"><tbody>";
  out += row("suite", Html(input.suite));
  out += row("protocol", Html(input.protocol));
  out += row("budget of a search", Html(input.budget));
  out += row("trials of the final answer", fmt::format("{}", input.trials));
  for (const std::string& deviation : input.deviations) {
    out += row("not as published", Html(deviation));
  }
  out += row("backend", Html(input.backend));
  out += row("proposer", Html(input.proposer));
  out += row("configuration", "<code>" + Html(input.config_hash) + "</code>");
  out += row("machine", Html(input.machine));
  return out + "</tbody></table>";
}

}  // namespace

std::string BenchHtml(const BenchInput& input, const BenchSummary& summary) {
  HtmlPage page;
  const auto add = [&page](std::string_view id, std::string_view title, std::string_view lead,
                           const std::string& body) {
    page.links.emplace_back(id, title);
    page.body += Section(id, title, lead, body);
  };
  add("metrics", "Metrics",
      "Speed-ups come from an evaluation of each final answer after its search, against the "
      "baseline, with fresh secret inputs.",
      MetricTable(input, summary.slices.front()) + OtherLooks(input, summary) + Definitions(input));
  add("rounds", "Best so far by rounds",
      "As the searches measured it, so the ends may differ from the final evaluations. A task "
      "without correct answer counts 0.",
      Figure1(summary));
  add("fast_p", "fast_p", "Over " + Html(input.baseline) + ".",
      FastCurve(input, summary.slices.front()));
  add("tasks", "Tasks", "Speed-up of the final answer with its interval.",
      BenchTaskTable(input, summary));
  add("how", "Protocol", "", BenchHow(input));
  const ProtocolMetrics& metrics = summary.slices.front().metrics;
  page.title = "kernelsmith benchmark";
  page.brand = "kernelsmith benchmark";
  page.heading = Html(input.suite);
  page.summary =
      fmt::format("amsr {} ({}), {} correct, fast_1 {:.2f}", FormatRatio(metrics.macro.amsr),
                  metrics.levels.size() > 1 ? "mean of the levels"
                                            : fmt::format("{} tasks", metrics.by_task.tasks),
                  FormatPercent(metrics.macro.corr), metrics.macro.fast_1);
  if (input.tasks.size() < input.planned) {
    page.summary +=
        fmt::format("; stopped after {} of {} tasks", input.tasks.size(), input.planned);
  }
  page.sub = Html(input.machine) + " \u00b7 " + Html(input.backend) + " \u00b7 " +
             FormatUtc(input.unix_ms).substr(0, 10);
  page.footer = fmt::format("Written by kernelsmith {} on {}.", Html(input.version),
                            FormatUtc(input.unix_ms));
  return RenderPage(page);
}

}  // namespace ks
