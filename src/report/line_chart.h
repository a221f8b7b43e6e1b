// Curves over one axis, with bands where there are any: what pages of several searches draw.
#ifndef KS_REPORT_LINE_CHART_H_
#define KS_REPORT_LINE_CHART_H_

#include <string>
#include <vector>

#include "report/svg.h"

namespace ks {

// All of one length; `low` and `high` are the band, or empty.
struct ChartLine {
  std::vector<double> x, y, low, high;
};

struct ChartAxis {
  double low = 0, high = 1;  // what is shown; points outside are drawn at the border
  bool log = false;          // REQUIRES: low > 0
  enum class Unit { kNone, kTimes, kPercent } unit = Unit::kNone;
};

struct LineChart {
  std::string name;   // written above the curves
  std::string label;  // read to people who do not see it
  double width = 340, height = 220;
  ChartAxis x, y;
  std::vector<ChartLine> lines;  // inked in this order
};

// The class of the n-th curve and of its key.
std::string InkOf(size_t line);
// A figure. 1 on an axis of unit kTimes has a line of its own.
std::string DrawLines(const LineChart& chart);
// The keys, in the order of the curves; escaped here.
std::string LineKeys(const std::vector<std::string>& names);

}  // namespace ks

#endif  // KS_REPORT_LINE_CHART_H_
