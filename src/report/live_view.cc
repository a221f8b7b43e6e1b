#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "report/numbers.h"
#include "report/progress.h"

namespace ks {
namespace {

constexpr std::array<const char*, 8> kBlocks = {"\u2581", "\u2582", "\u2583", "\u2584",
                                                "\u2585", "\u2586", "\u2587", "\u2588"};
constexpr std::array<const char*, 8> kAsciiBlocks = {"_", "_", ".", ".", "-", "-", "=", "="};

// A line put together from painted pieces that never grows wider than the window.
class Line {
 public:
  Line(int columns, const Style& style) : room_(columns), style_(style) {}
  Line& Add(std::string_view text, Ink ink = Ink::kPlain) {
    const std::string fit = FitWidth(PrintableLine(text), room_, style_);
    room_ -= DisplayWidth(fit);
    out_ += Paint(style_, ink, fit);
    return *this;
  }
  std::string End() { return out_ + "\n"; }
  int room() const { return room_; }

 private:
  std::string out_;
  int room_;
  const Style& style_;
};

// How far the run is on its way to the goal, 0..1; negative without a limit.
double Fraction(const ProgressState& state) {
  double fraction = -1;
  if (state.goal.steps > 0) {
    fraction = static_cast<double>(state.steps_done) / static_cast<double>(state.goal.steps);
  }
  if (state.goal.minutes > 0) {
    fraction = std::max(fraction, state.elapsed_s / (60 * state.goal.minutes));
  }
  return std::min(fraction, 1.0);
}

std::string TimeLeft(const ProgressState& state) {
  if (!state.stop_reason.empty()) return "";
  double left_s = std::numeric_limits<double>::infinity();
  if (state.goal.minutes > 0) left_s = 60 * state.goal.minutes - state.elapsed_s;
  if (state.goal.steps > 0 && state.steps_done > 0) {
    const double per_step = state.elapsed_s / static_cast<double>(state.steps_done);
    left_s = std::min(left_s, per_step * static_cast<double>(state.goal.steps - state.steps_done));
  }
  if (!std::isfinite(left_s)) return "";
  left_s = std::max(0.0, left_s);
  return (left_s < 59.5 ? fmt::format("{:.0f} s", left_s) : FormatSeconds(left_s)) + " left";
}

std::string ProgressBar(double fraction, int columns, const Style& style) {
  const int full = static_cast<int>(std::lround(fraction * columns));
  std::string bar;
  for (int i = 0; i < columns; ++i) {
    if (style.unicode) {
      bar += i < full ? "\u2501" : "\u2500";
    } else {
      bar += i < full ? '=' : '-';
    }
  }
  return bar;
}

std::string HeadLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  line.Add(state.task.empty() ? "starting" : state.task, Ink::kBold);
  if (!state.backend.empty()) line.Add(" on " + state.backend, Ink::kDim);
  line.Add(fmt::format("  step {}", state.steps_done));
  if (state.goal.steps > 0) line.Add(fmt::format("/{}", state.goal.steps));
  line.Add("  " + FormatSeconds(state.elapsed_s));
  if (const std::string left = TimeLeft(state); !left.empty()) line.Add(", " + left, Ink::kDim);
  if (!state.stop_reason.empty()) line.Add("  stopped: " + state.stop_reason, Ink::kYellow);
  return line.End();
}

std::string BarLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  const double fraction = Fraction(state);
  if (fraction >= 0) line.Add(ProgressBar(fraction, std::min(columns, 60), style), Ink::kCyan);
  return line.End();
}

std::string BestLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  line.Add("best     ", Ink::kDim);
  if (state.best == kNoCandidate) return line.Add("nothing measured yet").End();
  line.Add(FormatSpeedup(state.best_speedup), Ink::kGreen);
  line.Add(fmt::format("  {}", CandidateName(state.best)));
  if (state.baseline_over_seed <= 0) {
    line.Add(" over the seed", Ink::kDim);
  } else {
    line.Add(" over the baseline, ", Ink::kDim);
    line.Add(FormatSpeedup(state.best_speedup.mid * state.baseline_over_seed));
    line.Add(" over the seed", Ink::kDim);
  }
  if (state.goal.until_speedup > 0) {
    line.Add(", until " + FormatSpeedup(state.goal.until_speedup), Ink::kDim);
  }
  return line.End();
}

std::string SparkLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  line.Add("so far   ", Ink::kDim);
  const int width = std::clamp(line.room(), 1, 51);
  return line.Add(Sparkline(state.history, state.elapsed_s, width, style), Ink::kGreen).End();
}

std::string OutcomesLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  line.Add("judged   ", Ink::kDim);
  line.Add(std::to_string(state.evaluations));
  if (state.elapsed_s > 0 && state.evaluations > 0) {
    line.Add(fmt::format(" ({:.1f}/s)", state.evaluations / state.elapsed_s), Ink::kDim);
  }
  std::vector<std::pair<int, std::string>> ranked;
  for (const auto& [name, count] : state.outcomes) ranked.emplace_back(-count, name);
  std::sort(ranked.begin(), ranked.end());
  for (const auto& [negative, name] : ranked) {
    const Ink ink = name == "measured" ? Ink::kGreen : Ink::kYellow;
    line.Add("  ").Add(fmt::format("{} ", -negative)).Add(ReplaceAll(name, "_", " "), ink);
  }
  return line.End();
}

std::string ActivityLine(const ProgressState& state, int columns, const Style& style) {
  Line line(columns, style);
  line.Add("now      ", Ink::kDim);
  if (!state.stop_reason.empty()) return line.Add("done").End();
  if (state.in_flight.empty()) return line.Add("choosing the next step").End();
  bool first = true;
  for (const auto& [id, origin] : state.in_flight) {
    line.Add(first ? "" : ", ").Add(CandidateName(id)).Add(" " + origin.skill, Ink::kCyan);
    first = false;
  }
  return line.End();
}

}  // namespace

std::string Sparkline(const std::vector<ProgressState::Point>& history, double elapsed_s,
                      int columns, const Style& style) {
  if (history.empty() || columns < 1) return "";
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const ProgressState::Point& point : history) {
    if (!(point.speedup > 0)) continue;
    low = std::min(low, point.speedup);
    high = std::max(high, point.speedup);
  }
  if (!(high > 0)) return "";
  const double range = std::max(std::log(high / low), 1e-9);
  const auto& blocks = style.unicode ? kBlocks : kAsciiBlocks;
  std::string out;
  for (int c = 0; c < columns; ++c) {
    const double until = elapsed_s * (c + 1) / columns;
    double best = 0;
    for (const ProgressState::Point& point : history) {
      if (point.elapsed_s <= until + 1e-9) best = point.speedup;
    }
    if (!(best > 0)) {
      out += ' ';
      continue;
    }
    const double level = high > low ? std::log(best / low) / range : 0;
    out += blocks[static_cast<size_t>(std::clamp(std::lround(level * 7), 0L, 7L))];
  }
  return out;
}

std::string RenderLive(const ProgressState& state, int columns, const Style& style) {
  KS_CHECK(columns >= 20);
  return HeadLine(state, columns, style) + BarLine(state, columns, style) +
         BestLine(state, columns, style) + SparkLine(state, columns, style) +
         OutcomesLine(state, columns, style) + ActivityLine(state, columns, style);
}

LiveView::LiveView(TextSink sink, std::function<int()> columns, Style style, ProgressGoal goal,
                   int64_t recorded)
    : sink_(std::move(sink)),
      columns_(std::move(columns)),
      style_(style),
      recorded_(recorded),
      tracker_(goal) {}

LiveView::~LiveView() { Finish(); }

void LiveView::OnEvent(const Event& event) {
  tracker_.Apply(event);
  const bool history = event.sequence > 0 && event.sequence <= recorded_;
  if (!history && std::holds_alternative<RunStopped>(event.body)) Finish();
}

void LiveView::OnTick(double elapsed_s) {
  tracker_.Tick(elapsed_s);
  if (!finished_) Draw();
}

void LiveView::Draw() {
  // One column stays free: a full last column makes some terminals wrap.
  const int columns = std::max(20, columns_() - 1);
  std::string out = drawn_lines_ == 0 ? "\x1b[?25l" : "";
  if (drawn_lines_ > 0) {
    // A window made narrower wraps the old block: more rows to go up.
    const int wraps = drawn_columns_ > columns + 1 ? (drawn_columns_ - 1) / (columns + 1) : 0;
    out += fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_ * (1 + wraps));
  }
  const std::string block = RenderLive(tracker_.state(), columns, style_);
  drawn_lines_ = static_cast<int>(std::count(block.begin(), block.end(), '\n'));
  drawn_columns_ = columns + 1;
  sink_(out + block);
}

void LiveView::Finish() {
  if (finished_) return;
  finished_ = true;
  if (tracker_.state().task.empty() && drawn_lines_ == 0) return;  // nothing ever happened
  Draw();
  sink_("\x1b[?25h");
}

}  // namespace ks
