// A small writer of SVG charts: elements, scales and axes. Looks come from the page's style sheet
// through class names, so that one drawing serves light, dark and print.
#ifndef KS_REPORT_SVG_H_
#define KS_REPORT_SVG_H_

#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"

namespace ks {

// Maps values of an axis to pixels. Value.
class Scale {
 public:
  // `low` .. `high` to pixels `from` .. `to`. A log scale REQUIRES: low > 0. An empty range is
  // widened.
  Scale(double low, double high, double from, double to, bool log);
  double operator()(double value) const;  // clamped to the range; NaN lies at its low end
  double low() const { return low_; }
  double high() const { return high_; }
  // Round values inside the range, at most about `count`.
  std::vector<double> Ticks(int count) const;

 private:
  double low_, high_, from_, to_;
  bool log_;
};

// One drawing, `width` x `height` user units. All text is escaped here; class names are ours.
class Svg {
 public:
  // `label` is read to people who do not see it.
  Svg(double width, double height, std::string_view css_class, std::string_view label);
  void Line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void Path(std::string_view d, std::string_view css_class);
  // `id`: the candidate shown on hover; kNoCandidate: none.
  void Circle(double x, double y, double r, std::string_view css_class,
              CandidateId id = kNoCandidate);
  // `anchor`: "start", "middle" or "end".
  void Text(double x, double y, std::string_view anchor, std::string_view css_class,
            std::string_view text);
  std::string Finish() &&;

 private:
  std::string out_;
};

// "12.3", without trailing zeros; never NaN.
std::string Px(double value);
// Escaped for HTML, made printable first.
std::string Html(std::string_view text);

}  // namespace ks

#endif  // KS_REPORT_SVG_H_
