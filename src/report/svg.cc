#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/text.h"
#include "report/style.h"

namespace ks {

Scale::Scale(double low, double high, double from, double to, bool log)
    : low_(low), high_(high), from_(from), to_(to), log_(log) {
  if (high_ > low_) return;
  if (log_) {
    low_ /= 1.1;
    high_ = low_ * 1.21;
  } else {
    low_ -= 0.5;
    high_ = low_ + 1;
  }
}

double Scale::operator()(double value) const {
  if (std::isnan(value)) value = low_;
  value = std::clamp(value, low_, high_);
  const double fraction =
      log_ ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return from_ + fraction * (to_ - from_);
}

std::vector<double> Scale::Ticks(int count) const {
  std::vector<double> ticks;
  if (log_ && high_ / low_ > 4) {
    const bool fine = std::log10(high_ / low_) * 2 <= count;
    const double decades = std::max(1.0, std::ceil(std::log10(high_ / low_) / count));
    for (double power = std::pow(10, std::floor(std::log10(low_))); power <= high_;
         power *= std::pow(10, decades)) {
      for (double digit : {1.0, 2.0, 5.0}) {
        const double tick = power * digit;
        if ((digit == 1 || fine) && tick >= low_ && tick <= high_) ticks.push_back(tick);
      }
    }
    if (ticks.size() >= 2) return ticks;
    ticks.clear();
  }
  const double rough = (high_ - low_) / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power <= 1   ? 1
                       : rough / power <= 2 ? 2
                       : rough / power <= 5 ? 5
                                            : 10;
  const double step = digit * power;
  for (double tick = std::ceil(low_ / step) * step; tick <= high_ * (1 + 1e-12); tick += step) {
    ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return ticks;
}

std::string Px(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string Html(std::string_view text) { return EscapeHtml(Printable(text)); }

Svg::Svg(double width, double height, std::string_view css_class, std::string_view label)
    : out_(fmt::format(R"(<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">)",
                       css_class, Px(width), Px(height), Html(label))) {}

void Svg::Line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  fmt::format_to(std::back_inserter(out_), R"(<path class="{}" d="M{} {}L{} {}"/>)", css_class,
                 Px(x1), Px(y1), Px(x2), Px(y2));
}

void Svg::Path(std::string_view d, std::string_view css_class) {
  fmt::format_to(std::back_inserter(out_), R"(<path class="{}" d="{}"/>)", css_class, d);
}

void Svg::Circle(double x, double y, double r, std::string_view css_class, CandidateId id) {
  const std::string tip = id == kNoCandidate ? "" : fmt::format(R"( data-c="{}")", id);
  fmt::format_to(std::back_inserter(out_), R"(<circle class="{}" cx="{}" cy="{}" r="{}"{}/>)",
                 css_class, Px(x), Px(y), Px(r), tip);
}

void Svg::Text(double x, double y, std::string_view anchor, std::string_view css_class,
               std::string_view text) {
  fmt::format_to(std::back_inserter(out_),
                 R"(<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>)", css_class, Px(x),
                 Px(y), anchor, Html(text));
}

std::string Svg::Finish() && {
  out_ += "</svg>";
  return std::move(out_);
}

}  // namespace ks
