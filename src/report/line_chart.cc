#include "report/line_chart.h"

#include <fmt/format.h>

#include <utility>

namespace ks {
namespace {

constexpr int kInks = 6;  // classes c0 .. c5
constexpr double kLeft = 44, kRight = 12, kTop = 26, kBottom = 30;

std::string TickText(ChartAxis::Unit unit, double tick) {
  switch (unit) {
    case ChartAxis::Unit::kTimes:
      return fmt::format("{:g}\u00d7", tick);
    case ChartAxis::Unit::kPercent:
      return fmt::format("{:g} %", 100 * tick);
    case ChartAxis::Unit::kNone:
      break;
  }
  return fmt::format("{:g}", tick);
}

void DrawLine(const ChartLine& line, const Scale& x, const Scale& y, const std::string& ink,
              Svg& svg) {
  std::string upper, lower, middle;
  for (size_t i = 0; i < line.x.size(); ++i) {
    const char* const to = i == 0 ? "M" : "L";
    const std::string at = Px(x(line.x[i]));
    middle += fmt::format("{}{} {}", to, at, Px(y(line.y[i])));
    if (line.low.empty()) continue;
    upper += fmt::format("{}{} {}", to, at, Px(y(line.high[i])));
    lower = fmt::format("L{} {}", at, Px(y(line.low[i]))) + lower;
  }
  if (middle.empty()) return;
  if (!upper.empty()) svg.Path(upper + lower + "Z", "spread " + ink);
  svg.Path(middle, "median " + ink);
}

}  // namespace

std::string InkOf(size_t line) { return fmt::format("c{}", line % kInks); }

std::string DrawLines(const LineChart& chart) {
  const Scale x(chart.x.low, chart.x.high, kLeft, chart.width - kRight, chart.x.log);
  const Scale y(chart.y.low, chart.y.high, chart.height - kBottom, kTop, chart.y.log);
  const bool times = chart.y.unit == ChartAxis::Unit::kTimes;
  Svg svg(chart.width, chart.height, "chart", chart.label);
  for (const double tick : y.Ticks(5)) {
    svg.Line(kLeft, y(tick), chart.width - kRight, y(tick),
             times && tick == 1 ? "grid one" : "grid");
    svg.Text(kLeft - 7, y(tick) + 4, "end", "tick", TickText(chart.y.unit, tick));
  }
  for (const double tick : x.Ticks(5)) {
    svg.Text(x(tick), chart.height - kBottom + 18, "middle", "tick", TickText(chart.x.unit, tick));
  }
  svg.Text(kLeft, 14, "start", "name", chart.name);
  for (size_t i = 0; i < chart.lines.size(); ++i) DrawLine(chart.lines[i], x, y, InkOf(i), svg);
  return "<figure>" + std::move(svg).Finish() + "</figure>";
}

std::string LineKeys(const std::vector<std::string>& names) {
  std::string out = "<p class=\"legend\">";
  for (size_t i = 0; i < names.size(); ++i) {
    out += fmt::format("<span><i class=\"k {}\"></i>{}</span> ", InkOf(i), Html(names[i]));
  }
  return out + "</p>";
}

}  // namespace ks
