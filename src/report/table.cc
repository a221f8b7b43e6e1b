#include "report/table.h"

#include <algorithm>

#include "base/check.h"

namespace ks {

void Table::Add(std::vector<Cell> row) {
  KS_CHECK(row.size() == columns_.size());
  for (Cell& cell : row) cell.text = PrintableLine(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::Render(const Style& style, int indent) const {
  std::vector<int> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    int width = 0;
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[c].text));
    if (columns_[c].max_width > 0) width = std::min(width, columns_[c].max_width);
    widths.push_back(std::max(width, DisplayWidth(columns_[c].header)));
  }
  const auto line = [&](const auto& cell_of) {
    std::string out(static_cast<size_t>(indent), ' ');
    std::string gap;
    for (size_t c = 0; c < columns_.size(); ++c) {
      const Cell cell = cell_of(c);
      const std::string text = FitWidth(cell.text, widths[c], style);
      const int missing = widths[c] - DisplayWidth(text);
      const std::string padding(static_cast<size_t>(missing), ' ');
      const bool right = columns_[c].align == Column::Align::kRight;
      if (!text.empty()) {
        out += gap + (right ? padding : "") + Paint(style, cell.ink, text);
        gap.clear();
      } else {
        gap += right ? padding : "";
      }
      gap += (right ? "" : padding) + "  ";
    }
    return out + "\n";
  };
  std::string out = line([&](size_t c) { return Cell{columns_[c].header, Ink::kDim}; });
  for (const auto& row : rows_) out += line([&](size_t c) { return row[c]; });
  return out;
}

}  // namespace ks
