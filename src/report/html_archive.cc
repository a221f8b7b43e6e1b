// The archive as a heat map: two strategy axes at a time, the best elite of each cell.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "report/html_sections.h"
#include "report/numbers.h"
#include "report/svg.h"

namespace ks {
namespace {

struct Spot {
  CandidateId best = kNoCandidate;
  std::set<CandidateId> elites;
};

// The cells seen along two axes.
class Map {
 public:
  Map(const ReportInput& input, size_t rows, size_t columns)
      : input_(input), rows_(rows), columns_(columns) {
    const RunView& view = *input.run.view;
    for (const CellView& cell : input.run.cells) {
      if (!cell.elite || cell.bins.size() <= std::max(rows, columns)) continue;
      if (view.SpeedupOf(cell.elite->id).mid <= 0) continue;
      Spot& spot = spots_[{cell.bins[rows], cell.bins[columns]}];
      spot.elites.insert(cell.elite->id);
      if (spot.best == kNoCandidate ||
          view.SpeedupOf(cell.elite->id).low > view.SpeedupOf(spot.best).low) {
        spot.best = cell.elite->id;
      }
    }
  }

  size_t occupied() const { return spots_.size(); }

  std::string Html(double low, double high) const {
    const DescriptorAxis& rows = input_.run.axes[rows_];
    const DescriptorAxis& columns = input_.run.axes[columns_];
    std::string out = fmt::format(
        "<div class=\"scroll\"><table class=\"map\"><caption>rows: {}, columns: {}</caption>"
        "<thead><tr><td></td>",
        ks::Html(rows.name), ks::Html(columns.name));
    for (const std::string& bin : columns.bins) {
      out += fmt::format("<th scope=\"col\">{}</th>", ks::Html(bin));
    }
    out += "</tr></thead><tbody>";
    for (size_t r = 0; r < rows.bins.size(); ++r) {
      out += fmt::format("<tr><th scope=\"row\">{}</th>", ks::Html(rows.bins[r]));
      for (size_t c = 0; c < columns.bins.size(); ++c) out += CellHtml(r, c, low, high);
      out += "</tr>";
    }
    return out + "</tbody></table></div>";
  }

 private:
  std::string CellHtml(size_t row, size_t column, double low, double high) const {
    const auto it = spots_.find({static_cast<int>(row), static_cast<int>(column)});
    if (it == spots_.end()) return "<td class=\"empty\"></td>";
    const double speedup = input_.run.view->SpeedupOf(it->second.best).mid;
    const double heat = high > low ? std::log(speedup / low) / std::log(high / low) : 1;
    return fmt::format(
        "<td class=\"cell{}{}\" style=\"--h:{:.2f}\" data-c=\"{}\" tabindex=\"0\"><b>{}\u00d7</b>"
        "<small>{}{}</small></td>",
        heat > 0.8 ? " hot" : "", it->second.best == input_.run.view->best ? " top" : "",
        std::clamp(heat, 0.0, 1.0), it->second.best, FormatRatio(speedup),
        CandidateName(it->second.best),
        it->second.elites.size() > 1 ? fmt::format(" +{}", it->second.elites.size() - 1) : "");
  }

  const ReportInput& input_;
  size_t rows_, columns_;
  std::map<std::pair<int, int>, Spot> spots_;
};

struct Pair {
  size_t rows = 0;
  size_t columns = 0;
};

// The axis with more bins lies across; with one axis alone, there is no map.
std::vector<Pair> AxisPairs(const std::vector<DescriptorAxis>& axes) {
  std::vector<Pair> pairs;
  for (size_t a = 0; a < axes.size(); ++a) {
    for (size_t b = a + 1; b < axes.size(); ++b) {
      pairs.push_back(axes[a].bins.size() > axes[b].bins.size() ? Pair{b, a} : Pair{a, b});
    }
  }
  return pairs;
}

}  // namespace

std::string ArchiveSection(const ReportInput& input) {
  const RunView& view = *input.run.view;
  const std::vector<Pair> pairs = AxisPairs(input.run.axes);
  if (pairs.empty() || input.run.cells.empty()) return "";
  double low = 1;
  double high = 1;
  for (const CellView& cell : input.run.cells) {
    if (!cell.elite) continue;
    const double speedup = view.SpeedupOf(cell.elite->id).mid;
    if (!(speedup > 0)) continue;
    low = std::min(low, speedup);
    high = std::max(high, speedup);
  }
  std::vector<Map> maps;
  size_t shown = 0;
  for (const Pair& pair : pairs) {
    maps.emplace_back(input, pair.rows, pair.columns);
    if (maps.back().occupied() > maps[shown].occupied()) shown = maps.size() - 1;
  }
  std::string options, panels;
  for (size_t i = 0; i < pairs.size(); ++i) {
    options += fmt::format("<option value=\"p{}\"{}>{} \u00d7 {}</option>", i,
                           i == shown ? " selected" : "", Html(input.run.axes[pairs[i].rows].name),
                           Html(input.run.axes[pairs[i].columns].name));
    panels += fmt::format("<div data-panel=\"map\" data-name=\"p{}\"{}>{}</div>", i,
                          i == shown ? "" : " hidden", maps[i].Html(low, high));
  }
  return Section("archive", "Archive",
                 "The search keeps the fastest kernel of each strategy, not only the fastest of "
                 "all. Empty cells hold nothing yet.",
                 "<label class=\"pick\">axes <select data-select=\"map\">" + options +
                     "</select></label>" + panels);
}

}  // namespace ks
