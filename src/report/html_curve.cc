// The best-so-far curve: over evaluations and over time, for wide and narrow pages.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/summary.h"
#include "report/svg.h"

namespace ks {
namespace {

struct Layout {
  double width, height, left, right, top, bottom;
  double dot;
  const char* css_class;
  size_t labels;  // improvements that are named
};
constexpr Layout kWide = {1040, 360, 52, 84, 22, 58, 3, "chart wide", 5};
constexpr Layout kNarrow = {360, 280, 40, 14, 22, 52, 2.5, "chart narrow", 0};

struct Judged {
  CandidateId id = kNoCandidate;
  double x = 0;
};

class Curve {
 public:
  Curve(const RunView& view, bool over_time, const Layout& layout)
      : view_(view), over_time_(over_time), layout_(layout), best_(BestSoFar(view)) {
    const std::vector<CandidateId> order = EvaluationOrder(view);
    const auto elapsed = [&](CandidateId id) {
      return view.candidates[static_cast<size_t>(id)].elapsed_s;
    };
    const double end_s = order.empty() ? 0 : elapsed(order.back());
    if (end_s > 3 * 3600) {
      unit_ = {"h", 3600};
    } else if (end_s > 180) {
      unit_ = {"min", 60};
    }
    for (CandidateId id : order) {
      const auto evaluation = static_cast<double>(judged_.size() + 1);
      judged_.push_back({id, over_time ? elapsed(id) / unit_.second : evaluation});
    }
  }

  std::string Draw() const {
    const auto [low, high] = Range();
    const double end = judged_.empty() ? 1 : judged_.back().x;
    const Scale x(over_time_ ? 0 : 1, end, layout_.left, layout_.width - layout_.right, false);
    const Scale y(low, high, layout_.height - layout_.bottom, layout_.top, true);
    Svg svg(
        layout_.width, layout_.height, layout_.css_class,
        fmt::format("Best speed-up so far over {}: from {} to {} after {} evaluations",
                    over_time_ ? "time" : "evaluations", FormatSpeedup(best_.front().speedup.mid),
                    FormatSpeedup(best_.back().speedup.mid), judged_.size()));
    DrawAxes(svg, x, y);
    DrawDots(svg, x, y);
    DrawBest(svg, x, y);
    return std::move(svg).Finish();
  }

 private:
  std::pair<double, double> Range() const {
    double low = 1;
    double high = 1;
    for (const Judged& judged : judged_) {
      const Interval s = view_.SpeedupOf(judged.id);
      if (!(s.mid > 0) || !std::isfinite(s.mid)) continue;
      low = std::min(low, s.low > 0 ? s.low : s.mid);
      high = std::max({high, s.mid, std::isfinite(s.high) ? s.high : 0});
    }
    return {low / 1.08, high * 1.12};
  }

  double X(const BestPoint& point) const {
    return over_time_ ? point.elapsed_s / unit_.second : static_cast<double>(point.evaluation);
  }

  void DrawAxes(Svg& svg, const Scale& x, const Scale& y) const {
    const double floor = layout_.height - layout_.bottom;
    for (double tick : y.Ticks(7)) {
      svg.Line(layout_.left, y(tick), layout_.width - layout_.right, y(tick),
               tick == 1 ? "grid one" : "grid");
      svg.Text(layout_.left - 8, y(tick) + 4, "end", "tick", fmt::format("{:g}\u00d7", tick));
    }
    for (double tick : x.Ticks(layout_.width > 500 ? 10 : 5)) {
      svg.Text(x(tick), floor + 34, "middle", "tick",
               over_time_ ? fmt::format("{:g} {}", tick, unit_.first) : fmt::format("{:g}", tick));
    }
    svg.Text(layout_.left, layout_.height - 6, "start", "axis",
             over_time_ ? "time since the start" : "evaluations");
    svg.Text(layout_.left, 12, "start", "axis", "speed-up over the baseline (log)");
  }

  // Measured candidates where they are; the others as a row of ticks below the plot.
  void DrawDots(Svg& svg, const Scale& x, const Scale& y) const {
    const double rug = layout_.height - layout_.bottom + 10;
    for (const Judged& judged : judged_) {
      const CandidateView& candidate = view_.candidates[static_cast<size_t>(judged.id)];
      if (candidate.measured() != nullptr) {
        svg.Circle(x(judged.x), y(view_.SpeedupOf(judged.id).mid), layout_.dot, "dot", judged.id);
      } else {
        svg.Circle(x(judged.x), rug, 2.5, fmt::format("rug {}", OutcomeClass(candidate)),
                   judged.id);
      }
    }
  }

  void DrawBest(Svg& svg, const Scale& x, const Scale& y) const {
    std::string upper, lower, line;
    const double end = judged_.back().x;
    for (size_t i = 0; i < best_.size(); ++i) {
      const double from = x(X(best_[i]));
      const double to = x(i + 1 < best_.size() ? X(best_[i + 1]) : end);
      const Interval& s = best_[i].speedup;
      const char* join = i == 0 ? "M" : "L";
      line += fmt::format("{}{} {}H{}", join, Px(from), Px(y(s.mid)), Px(to));
      upper += fmt::format("{}{} {}H{}", join, Px(from), Px(y(s.high)), Px(to));
      lower = fmt::format("L{} {}H{}", Px(to), Px(y(s.low)), Px(from)) + lower;
    }
    svg.Path(upper + lower + "Z", "band");
    svg.Path(line, "best");
    for (const BestPoint& point : best_) {
      svg.Circle(x(X(point)), y(point.speedup.mid), layout_.dot + 1, "bestdot", point.best);
    }
    const Interval& last = best_.back().speedup;
    if (layout_.labels > 0) {
      svg.Text(layout_.width - layout_.right + 8, y(last.mid) + 6, "start", "end",
               FormatRatio(last.mid) + "\u00d7");
    }
    NameSteps(svg, x, y);
  }

  // The skills behind the largest jumps, left of the top of the step: no point of a rising curve
  // lies there.
  void NameSteps(Svg& svg, const Scale& x, const Scale& y) const {
    std::vector<std::pair<double, size_t>> jumps;
    for (size_t i = 1; i < best_.size(); ++i) {
      jumps.emplace_back(-best_[i].speedup.mid / best_[i - 1].speedup.mid, i);
    }
    std::sort(jumps.begin(), jumps.end());
    std::vector<double> taken;
    for (const auto& [jump, i] : jumps) {
      if (taken.size() == layout_.labels || -jump < 1.05) break;
      const CandidateView& candidate = view_.candidates[static_cast<size_t>(best_[i].best)];
      const std::string text = FitWidth(PrintableLine(candidate.proposed.skill), 26, Style{});
      const double px = x(X(best_[i])) - 10;
      const double py = y(best_[i].speedup.mid) + 4;
      const bool crowded = std::any_of(taken.begin(), taken.end(),
                                       [&](double other) { return std::abs(other - py) < 15; });
      const bool fits = px - 7.0 * DisplayWidth(text) > layout_.left && py > 30;
      if (crowded || !fits || IsProbe(candidate)) continue;
      svg.Text(px, py, "end", "step", text);
      taken.push_back(py);
    }
  }

  const RunView& view_;
  bool over_time_;
  std::pair<const char*, double> unit_ = {"s", 1};  // of time ticks, and its seconds
  const Layout& layout_;
  std::vector<BestPoint> best_;
  std::vector<Judged> judged_;
};

}  // namespace

std::string ProgressSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  if (view.best == kNoCandidate) return "";
  std::string body =
      "<div class=\"switch\" data-switch=\"curve\"><button type=\"button\" data-show=\"steps\" "
      "aria-pressed=\"true\">evaluations</button><button type=\"button\" data-show=\"time\" "
      "aria-pressed=\"false\">time</button></div>";
  for (const bool over_time : {false, true}) {
    body += fmt::format("<div class=\"panel\" data-panel=\"curve\" data-name=\"{}\"{}>",
                        over_time ? "time" : "steps", over_time ? " hidden" : "");
    body +=
        Curve(view, over_time, kWide).Draw() + Curve(view, over_time, kNarrow).Draw() + "</div>";
  }
  body += Legend({{"best", "best so far, with its interval"},
                  {"dot", "measured candidate"},
                  {"failed", "failed candidate"},
                  {"same", "same code as an earlier one"}});
  return Section("progress", "Progress",
                 "Each dot is one candidate that was compiled, checked and timed; the line is the "
                 "best known at that moment.",
                 body);
}

}  // namespace ks
