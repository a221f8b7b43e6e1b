// Aligned text tables for a terminal.
#ifndef KS_REPORT_TABLE_H_
#define KS_REPORT_TABLE_H_

#include <string>
#include <vector>

#include "report/style.h"

namespace ks {

struct Column {
  std::string header;
  enum class Align { kLeft, kRight } align = Align::kLeft;
  int max_width = 0;  // wider cells are cut with an ellipsis; 0: never
};

struct Cell {
  std::string text;
  Ink ink = Ink::kPlain;
};

// Columns as wide as their widest cell, two spaces apart, a dim header. Cells are made printable.
// Thread-compatible.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // REQUIRES: one cell a column.
  void Add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  // Lines ending in '\n', each begun by `indent` spaces; no trailing spaces.
  std::string Render(const Style& style, int indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace ks

#endif  // KS_REPORT_TABLE_H_
