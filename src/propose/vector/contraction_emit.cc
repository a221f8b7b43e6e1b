// RewriteContraction: packing loops, the register tile, and the blocked walk over both.
#include <algorithm>

#include "base/text.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/contraction.h"
#include "propose/vector/prelude.h"
#include "propose/vector/vector_plan.h"
#include "propose/vector/vectorize.h"

namespace ks {
namespace {

// Lines with indentation by braces.
class Text {
 public:
  explicit Text(std::string margin) : margin_(std::move(margin)) {}
  void Line(const std::string& line) {
    if (line.starts_with('}')) margin_.resize(margin_.size() - 2);
    out_ += (line.starts_with('#') ? "" : margin_) + line + "\n";
    if (line.ends_with('{')) margin_ += "  ";
  }
  const std::string& str() const { return out_; }

 private:
  std::string margin_, out_;
};

std::string Extent(const LoopHeader& l) {
  const std::string high = ToText(*l.high);
  return l.low->text == "0" && l.low->args.empty() ? high
                                                   : "(" + high + ") - (" + ToText(*l.low) + ")";
}

std::string Position(const LoopHeader& l, const std::string& at) {
  const bool zero = l.low->text == "0" && l.low->args.empty();
  return "const int64_t " + l.name + " = " + (zero ? "" : ToText(*l.low) + " + ") + at + ";";
}

std::string Open(const LoopHeader& l) {
  return "for (" + l.cpp_type + " " + l.name + " = " + ToText(*l.low) + "; " + l.name + " < " +
         ToText(*l.high) + "; ++" + l.name + ") {";
}

// True when neighbouring values of `variable` lie side by side in every element that `e` reads.
bool MovesByOne(const IrExprPtr& e, const std::string& variable) {
  bool by_one = true;
  ForEachExpr(e, [&](const IrExpr& x) {
    if (x.kind != IrExpr::Kind::kIndex) return;
    const auto stride = Polynomial::Of(x.args[0]).StrideOf(variable);
    by_one = by_one && stride && (stride->IsZero() || stride->Constant() == 1);
  });
  return by_one;
}

struct Names {
  std::string rows, vectors, columns, depth, row_tiles, column_tiles, product;
};

class ContractionWriter {
 public:
  ContractionWriter(const Contraction& c, Names names, std::string margin)
      : c_(c), n_(std::move(names)), text_(std::move(margin)) {}

  // The statement that replaces the nest.
  std::string Nest();
  std::string Tile() const;

 private:
  bool blocked_depth() const { return c_.depth.size() == 1 && !c_.left_fixed_outside(); }
  void Pack(bool left);
  void PackBody(bool left, const std::string& width);
  void Walk();
  void StoreTile();
  void Epilogue();
  void PrintStatements(const std::vector<IrStmt>& body);

  struct View : Contraction {
    explicit View(const Contraction& c) : Contraction(c) {}
    bool left_fixed_outside() const { return left_fixed && !batch.empty(); }
  };
  View c_;
  Names n_;
  Text text_;
};

void ContractionWriter::PackBody(bool left, const std::string& width) {
  const LoopHeader& lane = left ? c_.row : c_.column;
  const IrExprPtr& value = left ? c_.left : c_.right;
  const std::string first = left ? "block_row" : "block_column";
  const std::string read = !left && c_.guard
                               ? "(" + ToText(*c_.guard) + ") ? " + ToText(*value) + " : 0.0f"
                               : ToText(*value);
  const auto depth_loops = [&] {
    if (blocked_depth()) {
      text_.Line("for (int64_t term = 0; term < term_count; ++term, into += " + width + ") {");
      text_.Line(Position(c_.depth[0], "block_term + term"));
    } else {
      for (size_t d = 0; d < c_.depth.size(); ++d) {
        std::string line = Open(c_.depth[d]);
        if (d + 1 == c_.depth.size()) {
          line.insert(line.size() - 3, ", into += " + width);
        }
        text_.Line(line);
      }
    }
  };
  const size_t nested = blocked_depth() ? 1 : c_.depth.size();
  if (MovesByOne(value, lane.name)) {
    depth_loops();
    text_.Line("for (int64_t lane = 0; lane < used_lanes; ++lane) {");
    text_.Line(Position(lane, first + " + panel_start + lane"));
    text_.Line("into[lane] = " + read + ";");
    text_.Line("}");
    text_.Line("for (int64_t lane = used_lanes; lane < " + width + "; ++lane) into[lane] = 0.0f;");
    for (size_t d = 0; d < nested; ++d) text_.Line("}");
    return;
  }
  text_.Line("for (int64_t lane = 0; lane < " + width + "; ++lane) {");
  text_.Line("float* into = panel_data + lane;");
  text_.Line(Position(lane, first + " + panel_start + Least(lane, used_lanes - 1)"));
  depth_loops();
  text_.Line("*into = " + read + ";");
  for (size_t d = 0; d < nested; ++d) text_.Line("}");
  text_.Line("}");
}

// Panels of `width` rows (or columns), term by term; the last one is filled up.
void ContractionWriter::Pack(bool left) {
  const std::string& width = left ? n_.rows : n_.columns;
  const std::string count = left ? "row_count" : "column_count";
  text_.Line("for (int64_t panel_start = 0; panel_start < " + count + "; panel_start += " + width +
             ") {");
  text_.Line("const int64_t used_lanes = Least(" + width + ", " + count + " - panel_start);");
  text_.Line("float* panel_data = " + std::string(left ? "left" : "right") +
             "_panels + panel_start * term_count;");
  const LoopHeader& lane = left ? c_.row : c_.column;
  if (MovesByOne(left ? c_.left : c_.right, lane.name)) text_.Line("float* into = panel_data;");
  PackBody(left, width);
  text_.Line("}");
}

void ContractionWriter::PrintStatements(const std::vector<IrStmt>& body) {
  for (const IrStmt& s : body) {
    switch (s.kind) {
      case IrStmt::Kind::kDecl:
        text_.Line(s.cpp_type + " " + s.name + (s.value ? " = " + ToText(*s.value) : "") + ";");
        break;
      case IrStmt::Kind::kAssign:
        text_.Line(ToText(*s.target) + " " + s.op + " " + ToText(*s.value) + ";");
        break;
      case IrStmt::Kind::kIf:
        text_.Line("if (" + ToText(*s.condition) + ") {");
        PrintStatements(s.body);
        text_.Line("}");
        if (!s.other.empty()) {
          text_.Line("else {");
          PrintStatements(s.other);
          text_.Line("}");
        }
        break;
      default:
        break;
    }
  }
}

void ContractionWriter::Epilogue() {
  text_.Line("for (int64_t row_in_tile = 0; row_in_tile < used_rows; ++row_in_tile) {");
  text_.Line(Position(c_.row, "block_row + tile_row + row_in_tile"));
  text_.Line("for (int64_t lane = 0; lane < used_columns; ++lane) {");
  text_.Line(Position(c_.column, "block_column + tile_column + lane"));
  text_.Line("float " + c_.sum + " = tile_values[row_in_tile * " + n_.columns +
             " + lane] + (first_terms ? " + ToText(*c_.start) + " : " + ToText(*c_.target) + ");");
  if (c_.plain) {
    PrintStatements(c_.epilogue);
  } else {
    text_.Line("if (!last_terms) {");
    text_.Line(ToText(*c_.target) + " = " + c_.sum + ";");
    text_.Line("continue;");
    text_.Line("}");
    PrintStatements(c_.epilogue);
  }
  text_.Line("}");
  text_.Line("}");
}

void ContractionWriter::StoreTile() {
  text_.Line("VecF tile_sum[" + n_.rows + "][" + n_.vectors + "];");
  text_.Line(n_.product +
             "(term_count, left_panels + tile_row * term_count, right_panels + "
             "tile_column * term_count, tile_sum);");
  text_.Line("const int64_t used_rows = Least(" + n_.rows + ", row_count - tile_row);");
  text_.Line("const int64_t used_columns = Least(" + n_.columns + ", column_count - tile_column);");
  if (c_.plain) {
    text_.Line("if (used_rows == " + n_.rows + " && used_columns == " + n_.columns + ") {");
    text_.Line("for (int row_in_tile = 0; row_in_tile < " + n_.rows + "; ++row_in_tile) {");
    text_.Line(Position(c_.row, "block_row + tile_row + row_in_tile"));
    text_.Line(Position(c_.column, "block_column + tile_column"));
    text_.Line("float* into = &" + ToText(*c_.target) + ";");
    text_.Line("for (int vector_in_row = 0; vector_in_row < " + n_.vectors +
               "; ++vector_in_row) {");
    text_.Line("MemF* whole_vector = reinterpret_cast<MemF*>(into + vector_in_row * kLanes);");
    text_.Line(
        "*whole_vector = first_terms ? tile_sum[row_in_tile][vector_in_row] : *whole_vector + "
        "tile_sum[row_in_tile][vector_in_row];");
    text_.Line("}");
    text_.Line("}");
    text_.Line("continue;");
    text_.Line("}");
  }
  text_.Line("float tile_values[" + n_.rows + " * " + n_.columns + "];");
  text_.Line("__builtin_memcpy(tile_values, tile_sum, sizeof tile_values);");
  Epilogue();
}

void ContractionWriter::Walk() {
  const bool whole_left = c_.left_fixed_outside();
  text_.Line("for (int64_t block_column = 0; block_column < all_column_count; block_column += " +
             n_.column_tiles + " * " + n_.columns + ") {");
  text_.Line("const int64_t column_count = Least(" + n_.column_tiles + " * " + n_.columns +
             ", all_column_count - block_column);");
  if (blocked_depth()) {
    text_.Line(
        "for (int64_t block_term = 0; block_term == 0 || block_term < all_term_count; block_term "
        "+= " +
        n_.depth + ") {");
    text_.Line("const int64_t term_count = Least(" + n_.depth + ", all_term_count - block_term);");
    text_.Line("[[maybe_unused]] const bool first_terms = block_term == 0;");
    text_.Line(
        "[[maybe_unused]] const bool last_terms = block_term + term_count == all_term_count;");
  } else {
    text_.Line("constexpr bool first_terms = true;");
    text_.Line("[[maybe_unused]] constexpr bool last_terms = true;");
  }
  Pack(false);
  if (!whole_left) {
    text_.Line("for (int64_t block_row = 0; block_row < all_row_count; block_row += " +
               n_.row_tiles + " * " + n_.rows + ") {");
    text_.Line("const int64_t row_count = Least(" + n_.row_tiles + " * " + n_.rows +
               ", all_row_count - block_row);");
    Pack(true);
  }
  text_.Line("for (int64_t tile_column = 0; tile_column < column_count; tile_column += " +
             n_.columns + ") {");
  text_.Line("for (int64_t tile_row = 0; tile_row < row_count; tile_row += " + n_.rows + ") {");
  StoreTile();
  text_.Line("}");
  text_.Line("}");
  if (!whole_left) text_.Line("}");
  if (blocked_depth()) text_.Line("}");
  text_.Line("}");
}

std::string ContractionWriter::Nest() {
  text_.Line("using namespace wide;");
  text_.Line("const int64_t all_row_count = " + Extent(c_.row) + ";");
  text_.Line("const int64_t all_column_count = " + Extent(c_.column) + ";");
  std::vector<std::string> extents;
  for (const LoopHeader& l : c_.depth) extents.push_back("Greatest(0, " + Extent(l) + ")");
  text_.Line("const int64_t all_term_count = " + Join(extents, " * ") + ";");
  const std::string depth_size =
      blocked_depth() ? "Least(" + n_.depth + ", all_term_count)" : "all_term_count";
  if (!blocked_depth()) text_.Line("const int64_t term_count = all_term_count;");
  const auto scratch = [&](const std::string& side, const std::string& width,
                           const std::string& tiles, const std::string& all, bool whole) {
    const std::string most = "(" + all + " + " + width + " - 1) / " + width;
    text_.Line("static thread_local Scratch<float> " + side + "_scratch;");
    text_.Line("float* const " + side + "_panels = " + side + "_scratch.OfSize(" +
               (whole ? most : "Least(" + tiles + ", " + most + ")") + " * " + width + " * " +
               depth_size + ");");
  };
  scratch("right", n_.columns, n_.column_tiles, "all_column_count", false);
  scratch("left", n_.rows, n_.row_tiles, "all_row_count", c_.left_fixed_outside());
  if (c_.left_fixed_outside()) {
    text_.Line("const int64_t block_row = 0, row_count = all_row_count;");
    Pack(true);
  }
  for (const LoopHeader& l : c_.batch) text_.Line(Open(l));
  Walk();
  for (size_t b = 0; b < c_.batch.size(); ++b) text_.Line("}");
  return text_.str();
}

std::string ContractionWriter::Tile() const {
  return ReplaceAll(ReplaceAll(ReplaceAll(R"ks(
// sum = left panel * right panel, held in registers: ROWS x VECTORS vectors, `terms` deep.
inline __attribute__((always_inline)) void PRODUCT(int64_t terms, const float* left,
                                                   const float* right,
                                                   wide::VecF (&sum)[ROWS][VECTORS]) {
  using namespace wide;
  VecF acc[ROWS][VECTORS];
  for (int u = 0; u < ROWS; ++u) {
    for (int v = 0; v < VECTORS; ++v) acc[u][v] = VecF{};
  }
#pragma GCC unroll 4
  for (int64_t p = 0; p < terms; ++p) {
    VecF b[VECTORS];
    for (int v = 0; v < VECTORS; ++v) b[v] = *reinterpret_cast<const MemF*>(right + v * kLanes);
    for (int u = 0; u < ROWS; ++u) {
      const float a = left[u];
      for (int v = 0; v < VECTORS; ++v) acc[u][v] += a * b[v];
    }
    left += ROWS;
    right += VECTORS * kLanes;
  }
  for (int u = 0; u < ROWS; ++u) {
    for (int v = 0; v < VECTORS; ++v) sum[u][v] = acc[u][v];
  }
}
)ks",
                                          "ROWS", n_.rows),
                               "VECTORS", n_.vectors),
                    "PRODUCT", n_.product);
}

}  // namespace

std::string RewriteContraction(const std::string& source, const KernelIr& kernel,
                               const Contraction& contraction, const ContractionBlocks& blocks,
                               const Machine& machine) {
  Names names{FreshName(source, "kTileRows"),
              FreshName(source, "kTileVectors"),
              FreshName(source, "kTileColumns"),
              FreshName(source, "kDepthBlock"),
              FreshName(source, "kRowTiles"),
              FreshName(source, "kColumnTiles"),
              "MultiplyTile" + FreshName(source, "kTileRows").substr(9)};
  const size_t line = source.rfind('\n', contraction.begin) + 1;
  const std::string margin(contraction.begin - line, ' ');
  ContractionWriter writer(contraction, names, margin + "  ");
  const std::string nest = "// Packed panels, a register tile of " + names.rows + " x " +
                           names.vectors + " vectors.\n" + margin + "{\n" + writer.Nest() + margin +
                           "}";
  std::string head = PreludeFor(source, nest, LanesOf(machine));
  head += "namespace {\n";
  head += TunableLine(names.rows, blocks.rows, "4 5 6 8 12 14", "rows of the register tile");
  head += TunableLine(names.vectors, blocks.vectors, "1 2 3 4", "vectors in a row of it");
  head += "constexpr int " + names.columns + " = " + names.vectors + " * wide::kLanes;\n";
  if (contraction.depth.size() == 1 && !(contraction.left_fixed && !contraction.batch.empty())) {
    head += TunableLine(names.depth, blocks.depth, "128 192 256 384 512 768", "terms a pass");
  }
  if (!(contraction.left_fixed && !contraction.batch.empty())) {
    head += TunableLine(names.row_tiles, blocks.row_tiles, "8 16 24 32 64 128",
                        "tiles of a packed block");
  }
  head += TunableLine(names.column_tiles, blocks.column_tiles, "8 16 32 64 128",
                      "tiles of a packed block");
  head += writer.Tile() + "}  // namespace\n\n";
  std::string out = source;
  out.replace(contraction.begin, contraction.end - contraction.begin, nest);
  out.insert(kernel.top_begin, head);
  return WithVectorFlags(out, machine);
}

}  // namespace ks
