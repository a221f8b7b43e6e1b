// Times of the seed, the baseline and the best, call by call.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

struct Side {
  std::string name;
  const char* css_class;
  const WorkloadTiming* timing;
};

const WorkloadTiming* FindTiming(const RunView& view, CandidateId id, const std::string& workload) {
  if (id == kNoCandidate) return nullptr;
  const Measured* measured = view.candidates[static_cast<size_t>(id)].measured();
  if (measured == nullptr) return nullptr;
  for (const WorkloadTiming& timing : measured->timings) {
    if (timing.workload == workload) return &timing;
  }
  return nullptr;
}

std::vector<Side> SidesOf(const RunView& view, const std::string& workload) {
  std::vector<Side> sides;
  const auto add = [&](std::string name, const char* css_class, CandidateId id) {
    const WorkloadTiming* timing = FindTiming(view, id, workload);
    if (timing != nullptr && timing->median_ns > 0) {
      sides.push_back({std::move(name), css_class, timing});
    }
  };
  add("seed as written", "s0", 0);
  if (view.baseline > 0) add("seed, best flags", "s1", view.baseline);
  if (view.best > 0 && view.best != view.baseline) {
    add("best, " + CandidateName(view.best), "s2", view.best);
  }
  return sides;
}

// Finite, positive samples; the median alone when none were kept.
std::vector<double> SamplesOf(const WorkloadTiming& timing) {
  std::vector<double> samples;
  for (double ns : timing.samples_ns) {
    if (std::isfinite(ns) && ns > 0) samples.push_back(ns);
  }
  if (samples.empty()) samples.push_back(timing.median_ns);
  return samples;
}

// Every sample as a thin stroke on one log axis; medians in words.
std::string Strips(const std::vector<Side>& sides) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Side& side : sides) {
    for (double ns : SamplesOf(*side.timing)) {
      low = std::min(low, ns);
      high = std::max(high, ns);
    }
  }
  const double width = 500;
  const double row = 42;
  const double height = 30 + row * static_cast<double>(sides.size());
  const Scale x(low / 1.15, high * 1.15, 8, width - 8, true);
  std::string label = "Times of one call:";
  for (const Side& side : sides) label += " " + side.name + " " + FormatNs(side.timing->median_ns);
  Svg svg(width, height, "chart", label);
  for (double tick : x.Ticks(5)) {
    svg.Line(x(tick), 0, x(tick), height - 20, "grid");
    svg.Text(x(tick), height - 5, "middle", "tick", FormatNs(tick));
  }
  for (size_t i = 0; i < sides.size(); ++i) {
    const double top = 6 + row * static_cast<double>(i);
    std::string strokes;
    for (double ns : SamplesOf(*sides[i].timing)) {
      strokes += fmt::format("M{} {}V{}", Px(x(ns)), Px(top + 17), Px(top + 33));
    }
    svg.Path(strokes, fmt::format("strip {}", sides[i].css_class));
    const double median = x(sides[i].timing->median_ns);
    svg.Line(median, top + 14, median, top + 36, fmt::format("median {}", sides[i].css_class));
    const bool left = median < width / 2;
    svg.Text(left ? std::max(8.0, median - 2) : median + 2, top + 9, left ? "start" : "end",
             "label", sides[i].name + "  " + FormatNs(sides[i].timing->median_ns));
  }
  return std::move(svg).Finish();
}

// How samples lie around their median: densities on one axis of per cent.
std::string Spreads(const std::vector<Side>& sides) {
  constexpr int kBins = 140;
  constexpr double kFrom = -0.06;
  constexpr double kTo = 0.14;
  const double width = 500;
  const double height = 30 + 42 * static_cast<double>(sides.size());
  const double floor = height - 20;
  const Scale x(kFrom, kTo, 8, width - 8, false);
  Svg svg(width, height, "chart", "Spread of the times around their medians");
  for (double tick : {-0.05, 0.0, 0.05, 0.1}) {
    svg.Line(x(tick), 14, x(tick), floor, tick == 0 ? "grid one" : "grid");
    svg.Text(x(tick), height - 5, "middle", "tick",
             tick == 0 ? "median" : fmt::format("{:+g} %", 100 * tick));
  }
  for (const Side& side : sides) {
    const std::vector<double> samples = SamplesOf(*side.timing);
    if (samples.size() < 8) continue;
    // A Gaussian kernel; its width after Silverman (1986), by the interquartile range.
    std::vector<double> sorted;
    for (double ns : samples) sorted.push_back(ns / side.timing->median_ns - 1);
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    const double spread = (sorted[n * 3 / 4] - sorted[n / 4]) / 1.34;
    const double h = std::max(0.0015, 0.9 * spread * std::pow(static_cast<double>(n), -0.2));
    std::vector<double> density;
    for (int b = 0; b <= kBins; ++b) {
      const double at = kFrom + (kTo - kFrom) * b / kBins;
      double sum = 0;
      for (double value : sorted) sum += std::exp(-0.5 * (at - value) * (at - value) / (h * h));
      density.push_back(sum);
    }
    const double peak = std::max(1e-9, *std::max_element(density.begin(), density.end()));
    std::string d = fmt::format("M{} {}", Px(x(kFrom)), Px(floor));
    for (int b = 0; b <= kBins; ++b) {
      const double at = kFrom + (kTo - kFrom) * b / kBins;
      d += fmt::format("L{} {}", Px(x(at)),
                       Px(floor - (floor - 18) * density[static_cast<size_t>(b)] / peak));
    }
    svg.Path(d + fmt::format("L{} {}Z", Px(x(kTo)), Px(floor)),
             fmt::format("density {}", side.css_class));
  }
  return std::move(svg).Finish();
}

std::string SidesTable(const std::vector<Side>& sides) {
  std::string rows;
  for (const Side& side : sides) {
    rows += fmt::format(
        "<tr><th scope=\"row\"><i class=\"k {}\"></i>{}</th><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td></tr>",
        side.css_class, Html(side.name), FormatNs(side.timing->median_ns),
        FormatNs(side.timing->p99_ns), FormatPercent(side.timing->cv), side.timing->pairs);
  }
  return "<div class=\"scroll\"><table><thead><tr><th>kernel</th><th>median</th><th>p99</th>"
         "<th>cv</th><th>pairs</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

}  // namespace

std::string TimingSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  if (view.best == kNoCandidate) return "";
  std::string body;
  for (const WorkloadTiming& timing :
       view.candidates[static_cast<size_t>(view.best)].measured()->timings) {
    const std::vector<Side> sides = SidesOf(view, timing.workload);
    if (sides.empty()) continue;
    body += "<div class=\"workload\"><h3>" + Html(timing.workload) +
            "</h3><div class=\"two\"><figure>" + Strips(sides) +
            "<figcaption>time of one call, log axis; each stroke is a sample</figcaption></figure>"
            "<figure>" +
            Spreads(sides) +
            "<figcaption>the same samples around their own median</figcaption></figure></div>" +
            SidesTable(sides) + "</div>";
  }
  if (body.empty()) return "";
  return Section("timing", "Timing",
                 "Each kernel was timed in its own evaluation, interleaved with the one it was "
                 "compared with.",
                 body);
}

}  // namespace ks
