// A comparison as one page: who is better, by how much, and how the searches went.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/clock.h"
#include "measure/two_samples.h"
#include "report/compare.h"
#include "report/html_page.h"
#include "report/line_chart.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

constexpr size_t kPoints = 160;  // of one curve, at most
constexpr double kWidth = 340, kHeight = 220;

double BestAt(const ComparedRun& run, double evaluation) {
  double best = 1;
  for (const ProgressPoint& point : run.progress) {
    if (static_cast<double>(point.evaluation) > evaluation) break;
    if (point.speedup > 0) best = point.speedup;
  }
  return best;
}

// Quartiles over the seeds at one number of evaluations.
struct Band {
  double lower = 1, median = 1, upper = 1;
};

Band BandAt(const std::vector<const ComparedRun*>& runs, double evaluation) {
  std::vector<double> values;
  for (const ComparedRun* run : runs) values.push_back(BestAt(*run, evaluation));
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {SampleQuantile(values, 0.25), SampleQuantile(values, 0.5), SampleQuantile(values, 0.75)};
}

// The curves of one task, or of the whole suite.
struct CurveSet {
  std::vector<double> evaluations;       // where the bands are known
  std::vector<std::vector<Band>> bands;  // [config][evaluation]
};

class Curves {
 public:
  explicit Curves(const CompareInput& input) : input_(input) {
    for (const ComparedRun& run : input.runs) {
      runs_[{run.config, run.task}].push_back(&run);
      last_ = std::max(last_, run.evaluations);
    }
    const size_t points = std::min(kPoints, static_cast<size_t>(last_));
    for (size_t i = 0; i < points; ++i) {
      const double share =
          points < 2 ? 1 : static_cast<double>(i) / static_cast<double>(points - 1);
      evaluations_.push_back(std::round(1 + share * static_cast<double>(last_ - 1)));
    }
  }

  CurveSet OfTask(const std::string& task) const {
    CurveSet set{evaluations_, {}};
    for (const ComparedConfig& config : input_.configs) {
      const auto found = runs_.find({config.name, task});
      std::vector<Band> bands;
      for (const double at : evaluations_) {
        bands.push_back(found == runs_.end() ? Band() : BandAt(found->second, at));
      }
      set.bands.push_back(std::move(bands));
    }
    return set;
  }

  // Geometric mean over the tasks of each quartile.
  CurveSet OfSuite() const {
    CurveSet mean{evaluations_, {}};
    mean.bands.assign(input_.configs.size(), std::vector<Band>(evaluations_.size(), Band{0, 0, 0}));
    const auto tasks = static_cast<double>(input_.tasks.size());
    for (const std::string& task : input_.tasks) {
      const CurveSet set = OfTask(task);
      for (size_t config = 0; config < set.bands.size(); ++config) {
        for (size_t i = 0; i < evaluations_.size(); ++i) {
          mean.bands[config][i].lower += std::log(set.bands[config][i].lower) / tasks;
          mean.bands[config][i].median += std::log(set.bands[config][i].median) / tasks;
          mean.bands[config][i].upper += std::log(set.bands[config][i].upper) / tasks;
        }
      }
    }
    for (std::vector<Band>& bands : mean.bands) {
      for (Band& band : bands) {
        band = {std::exp(band.lower), std::exp(band.median), std::exp(band.upper)};
      }
    }
    return mean;
  }

 private:
  const CompareInput& input_;
  std::map<std::pair<std::string, std::string>, std::vector<const ComparedRun*>> runs_;
  int64_t last_ = 0;
  std::vector<double> evaluations_;
};

std::string Draw(const CurveSet& set, const std::string& name, double width, double height) {
  double low = 1, high = 1;
  for (const std::vector<Band>& bands : set.bands) {
    for (const Band& band : bands) {
      low = std::min(low, band.lower);
      high = std::max(high, band.upper);
    }
  }
  LineChart chart;
  chart.name = name;
  chart.label = "Best speed-up so far by steps: " + name;
  chart.width = width;
  chart.height = height;
  chart.x = {1, set.evaluations.empty() ? 1 : set.evaluations.back()};
  chart.y = {low / 1.05, high * 1.1, true, ChartAxis::Unit::kTimes};
  for (const std::vector<Band>& bands : set.bands) {
    ChartLine line{set.evaluations, {}, {}, {}};
    for (const Band& band : bands) {
      line.y.push_back(band.median);
      line.low.push_back(band.lower);
      line.high.push_back(band.upper);
    }
    chart.lines.push_back(std::move(line));
  }
  return DrawLines(chart);
}

std::string Keys(const CompareInput& input) {
  std::vector<std::string> names;
  for (const ComparedConfig& config : input.configs) names.push_back(config.name);
  return LineKeys(names);
}

std::string SpreadHtml(const Spread& spread) {
  if (spread.runs == 0) return "\u2013";
  std::string out =
      fmt::format("<b>{}\u00d7</b> <span class=\"ci\">[{}, {}]</span>", FormatRatio(spread.median),
                  FormatRatio(spread.least), FormatRatio(spread.most));
  if (spread.failed > 0) out += fmt::format(" <span class=\"bad\">{} failed</span>", spread.failed);
  return out;
}

std::string TaskTable(const CompareInput& input, const Comparison& comparison) {
  std::string out = "<div class=\"scroll\"><table><thead><tr><th>task</th>";
  for (size_t i = 0; i < input.configs.size(); ++i) {
    out += fmt::format("<th><i class=\"k {}\"></i>{}</th>", InkOf(i), Html(input.configs[i].name));
  }
  out += "</tr></thead><tbody>";
  for (size_t task = 0; task < input.tasks.size(); ++task) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", Html(input.tasks[task]));
    for (const auto& spreads : comparison.spreads) {
      out += fmt::format("<td>{}</td>", SpreadHtml(spreads[task]));
    }
    out += "</tr>";
  }
  out += "<tr><th scope=\"row\">geometric mean of the medians</th>";
  for (const ConfigTotals& totals : comparison.totals) {
    out += fmt::format("<td class=\"strong\">{}\u00d7</td>", FormatRatio(totals.geometric_mean));
  }
  return out + "</tr></tbody></table></div>";
}

std::string DuelTable(const CompareInput& input, const Comparison& comparison) {
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th>A against B</th><th>A wins</th><th>ties</th>"
      "<th>A loses</th><th>A over B</th><th>p</th><th>p, corrected</th></tr></thead><tbody>";
  for (const Duel& duel : comparison.duels) {
    const char* const verdict = duel.p_corrected < 0.05 ? " class=\"win\"" : "";
    out += fmt::format(
        "<tr><th scope=\"row\">{} against {}</th><td>{}</td><td>{}</td><td>{}</td>"
        "<td{}>{}\u00d7 <span class=\"ci\">[{}, {}]</span></td><td>{:.3f}</td><td>{:.3f}</td></tr>",
        Html(input.configs[duel.a].name), Html(input.configs[duel.b].name), duel.wins, duel.ties,
        duel.losses, verdict, FormatGain(duel.ratio.mid), FormatGain(duel.ratio.low),
        FormatGain(duel.ratio.high), duel.p, duel.p_corrected);
  }
  return out + "</tbody></table></div>";
}

std::string CostTable(const CompareInput& input, const Comparison& comparison) {
  std::string out =
      "<div class=\"scroll\"><table><thead><tr><th>configuration</th><th>proposer</th>"
      "<th>evaluations</th><th>time</th><th>tokens</th><th>USD</th><th>failed runs</th>"
      "<th>hash</th></tr></thead><tbody>";
  for (size_t i = 0; i < input.configs.size(); ++i) {
    const ConfigTotals& totals = comparison.totals[i];
    out += fmt::format(
        "<tr><th scope=\"row\"><i class=\"k {}\"></i>{}</th><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{:.2f}</td><td>{}</td><td><code>{}</code></td></tr>",
        InkOf(i), Html(input.configs[i].name), Html(input.configs[i].proposer), totals.evaluations,
        FormatSeconds(totals.seconds), totals.tokens, totals.cost_usd, totals.failed,
        Html(input.configs[i].hash.substr(0, 12)));
  }
  return out + "</tbody></table></div>";
}

std::string Failures(const CompareInput& input) {
  std::string out;
  for (const ComparedRun& run : input.runs) {
    if (run.error.empty()) continue;
    out += fmt::format("<li>{} on {}, seed {}: {}</li>", Html(run.config), Html(run.task), run.seed,
                       Html(run.error));
  }
  return out.empty() ? "" : "<ul class=\"examples\">" + out + "</ul>";
}

}  // namespace

std::string CompareHtml(const CompareInput& input, const Comparison& comparison) {
  HtmlPage page;
  const auto add = [&page](std::string_view id, std::string_view title, std::string_view lead,
                           const std::string& body) {
    page.links.emplace_back(id, title);
    page.body += Section(id, title, lead, body);
  };
  const Curves curves(input);
  add("tasks", "Speed-up by task",
      "Median over the seeds, least and most in brackets, over the seed kernel with its best "
      "flags. "
      "A run that failed counts as 1.",
      TaskTable(input, comparison));
  if (!comparison.duels.empty()) {
    std::string lead =
        "A task is won by a rank-sum test over the seeds (p &lt; 0.05). The ratio is the geometric "
        "mean over tasks and seeds with its 95 % bootstrap interval; p is of the signed-rank test "
        "over the tasks, corrected by Holm for the number of pairs.";
    if (input.seeds.size() < kLeastSeeds) {
      lead += fmt::format(" With fewer than {} seeds no task can be won.", kLeastSeeds);
    }
    add("duels", "Who is better", lead, DuelTable(input, comparison));
  }
  add("suite", "The whole suite",
      "Best speed-up so far by steps: geometric mean over the tasks; the band holds the "
      "middle half of the seeds.",
      Draw(curves.OfSuite(), "geometric mean", 1040, 340) + Keys(input));
  std::string tiles;
  for (const std::string& task : input.tasks) {
    tiles += Draw(curves.OfTask(task), task, kWidth, kHeight);
  }
  add("curves", "Every task", "Median and middle half of the seeds, by steps.",
      "<div class=\"tiles\">" + tiles + "</div>" + Keys(input));
  add("cost", "What it cost", "Sums over all runs of a configuration.",
      CostTable(input, comparison) + Failures(input));
  page.title = "kernelsmith comparison";
  page.brand = "kernelsmith comparison";
  for (const ComparedConfig& config : input.configs) {
    page.heading += (page.heading.empty() ? "" : ", ") + Html(config.name);
  }
  page.summary = fmt::format("{} tasks, {} seeds, {} a run", input.tasks.size(), input.seeds.size(),
                             Html(input.budget));
  page.sub = Html(input.machine) + " \u00b7 " + FormatUtc(input.unix_ms).substr(0, 10);
  page.footer = fmt::format("Written by kernelsmith {} on {}.", Html(input.version),
                            FormatUtc(input.unix_ms));
  return RenderPage(page);
}

}  // namespace ks
