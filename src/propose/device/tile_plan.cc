#include "propose/device/tile_plan.h"

#include <algorithm>

#include "base/text.h"
#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;

bool In(const IrExprPtr& e, const LoopHeader& loop) { return e && Mentions(e, loop.name); }

bool IsZeroLow(const LoopHeader& loop) {
  return loop.low->kind == EKind::kNumber && loop.low->text == "0";
}

// `flat` is the operand's direction in depth, `across` its own (rows or columns).
TileOperand OperandOf(const VirtualNest& nest, const IrExprPtr& value,
                      const std::vector<LoopHeader>& across, const std::vector<LoopHeader>& depth,
                      const std::vector<LoopHeader>& batch, const DeviceText& text) {
  TileOperand operand;
  operand.value = value;
  const IrExprPtr element = WithoutCast(value);
  if (element->kind != EKind::kIndex) {
    // Any element tells which direction is contiguous.
    ForEachExpr(value, [&](const IrExpr& e) {
      if (e.kind != EKind::kIndex) return;
      const auto stride = Polynomial::Of(e.args[0]).StrideOf(depth.back().name);
      if (stride && stride->Constant() == 1) operand.along_depth = true;
    });
    return operand;
  }
  operand.array = element->text;
  operand.element = nest.ir.ElementOf(element->text);
  if (operand.element != "float") operand.vector_elements = 8;
  const Polynomial index = Polynomial::Of(element->args[0]);
  const auto unit = [&](const LoopHeader& loop) {
    const auto stride = index.StrideOf(loop.name);
    return stride && stride->Constant() == 1;
  };
  operand.along_depth = unit(depth.back());
  if (!operand.along_depth && !unit(across.back())) return operand;
  const std::vector<LoopHeader>& along = operand.along_depth ? depth : across;
  if (along.size() != 1) return operand;
  // Everything but the contiguous direction must move by whole vectors.
  std::vector<std::string> conditions;
  const std::string vector = std::to_string(operand.vector_elements);
  Polynomial rest = index.Without(along[0].name);
  std::vector<LoopHeader> others = operand.along_depth ? across : depth;
  others.insert(others.end(), batch.begin(), batch.end());
  for (const LoopHeader& loop : others) {
    const auto stride = index.StrideOf(loop.name);
    if (!stride) return operand;
    rest = rest.Without(loop.name);
    if (!stride->IsZero()) conditions.push_back("(" + stride->ToText() + ") % " + vector + " == 0");
  }
  if (!rest.IsZero()) conditions.push_back("(" + rest.ToText() + ") % " + vector + " == 0");
  conditions.push_back("(" + text.Expr(along[0].high) + ") % " + vector + " == 0");
  operand.vector_condition = Join(conditions, " && ");
  return operand;
}

}  // namespace

IrExprPtr WithoutCast(IrExprPtr e) {
  while (e->kind == IrExpr::Kind::kCast) e = e->args[0];
  return e;
}

std::optional<TilePlan> PlanTiles(const VirtualNest& nest) {
  std::optional<Contraction> found = MatchContraction(nest.ir, nest.nest());
  if (!found) return std::nullopt;
  TilePlan plan;
  plan.contraction = *std::move(found);
  const Contraction& c = plan.contraction;
  plan.depth = c.depth;
  for (const LoopHeader& loop : nest.grid) {
    if (!IsZeroLow(loop)) return std::nullopt;
    const bool left = In(c.left, loop);
    const bool right = In(c.right, loop) || In(c.guard, loop);
    if (loop.name == c.row.name || (left && !right)) {
      plan.rows.push_back(loop);
    } else if (!left) {
      plan.columns.push_back(loop);
    } else {
      plan.batch.push_back(loop);
    }
  }
  // Loops that stand inside the nest of one thread belong to no grid: only the sum may.
  if (plan.rows.size() + plan.columns.size() + plan.batch.size() != nest.grid.size() ||
      c.batch.size() + 2 != nest.grid.size()) {
    return std::nullopt;
  }
  for (const LoopHeader& loop : plan.depth) {
    if (!IsZeroLow(loop)) return std::nullopt;
  }
  plan.sum_type = TypeOfLocal(nest, c.sum);
  if (plan.sum_type.empty()) plan.sum_type = "float";  // a sum that was made local
  if (plan.sum_type != "float") return std::nullopt;
  const auto rows = PlanExtent(nest, plan.rows);
  const auto columns = PlanExtent(nest, plan.columns);
  const auto batch = PlanExtent(nest, plan.batch);
  if (!rows || !columns || !batch) return std::nullopt;
  plan.plan_rows = *rows;
  plan.plan_columns = *columns;
  plan.plan_batch = *batch;
  plan.plan_depth = PlanExtent(nest, plan.depth).value_or("");
  plan.index_type = nest.index_type;
  const DeviceText text(SourceDialect::kCuda, nest.index_type);
  plan.left = OperandOf(nest, c.left, plan.rows, plan.depth, plan.batch, text);
  plan.right = OperandOf(nest, c.right, plan.columns, plan.depth, plan.batch, text);
  if (c.guard) {
    plan.right.vector_condition.clear();
    plan.guards_left = std::none_of(plan.columns.begin(), plan.columns.end(),
                                    [&](const LoopHeader& loop) { return In(c.guard, loop); });
    if (plan.guards_left) plan.left.vector_condition.clear();
  }
  return plan;
}

std::string TileText::Variables(const std::vector<LoopHeader>& loops, const std::string& flat,
                                const char* scratch) const {
  if (loops.size() == 1) {
    return "const " + text_.index_type() + " " + loops[0].name + " = " + flat + ";\n";
  }
  return text_.index_type() + " " + scratch + " = " + flat + ";\n" +
         text_.Unflatten(loops, scratch);
}

std::string TileText::RowVariables(const std::string& flat) const {
  return Variables(plan_.rows, flat, "ks_flat_row");
}
std::string TileText::ColumnVariables(const std::string& flat) const {
  return Variables(plan_.columns, flat, "ks_flat_column");
}
std::string TileText::DepthVariables(const std::string& flat) const {
  return Variables(plan_.depth, flat, "ks_flat_term");
}

std::string TileText::Extents() const {
  const std::string type = "const " + text_.index_type();
  return type + " ks_rows = " + text_.ExtentText(plan_.rows) + ";\n" + type +
         " ks_columns = " + text_.ExtentText(plan_.columns) + ";\n" + type +
         " ks_terms = " + text_.ExtentText(plan_.depth) + ";\n";
}

std::string TileText::Grid(const std::string& tile_rows, const std::string& tile_columns) const {
  std::string grid = "ceil_div(" + plan_.plan_rows + ", " + tile_rows + ")*ceil_div(" +
                     plan_.plan_columns + ", " + tile_columns + ")";
  if (plan_.plan_batch != "1") grid += "*" + plan_.plan_batch;
  return grid;
}

std::string TileText::Place(const std::string& tile_rows, const std::string& tile_columns,
                            const std::string& group) const {
  const std::string type = "const " + text_.index_type();
  std::string text = Extents();
  text += type + " ks_tiles_down = (ks_rows + " + tile_rows + " - 1) / " + tile_rows + ";\n";
  text +=
      type + " ks_tiles_across = (ks_columns + " + tile_columns + " - 1) / " + tile_columns + ";\n";
  text += text_.index_type() + " ks_batch = " + text_.Block(0) + ";\n";
  text += type + " ks_tile = ks_batch % (ks_tiles_down * ks_tiles_across);\n";
  text += "ks_batch /= ks_tiles_down * ks_tiles_across;\n";
  // Blocks that run together share rows and columns in the second-level cache.
  text += type + " ks_first = ks_tile / (" + group + " * ks_tiles_across) * " + group + ";\n";
  text += type + " ks_height = ks_tiles_down - ks_first < " + group +
          " ? ks_tiles_down - ks_first : " + group + ";\n";
  text += type + " ks_inside = ks_tile % (" + group + " * ks_tiles_across);\n";
  text += type + " ks_row0 = (ks_first + ks_inside % ks_height) * " + tile_rows + ";\n";
  text += type + " ks_column0 = ks_inside / ks_height * " + tile_columns + ";\n";
  if (!plan_.batch.empty()) text += text_.Unflatten(plan_.batch, "ks_batch");
  return text;
}

std::string TileText::Store(const std::string& row, const std::string& column,
                            const std::string& sum) const {
  const Contraction& c = plan_.contraction;
  std::string text = RowVariables(row) + ColumnVariables(column);
  const bool zero = c.start->kind == EKind::kNumber &&
                    c.start->text.find_first_not_of("0.fF") == std::string::npos;
  text += plan_.sum_type + " " + c.sum + " = " +
          (zero ? sum : "(" + text_.Expr(c.start) + ") + " + sum) + ";\n";
  return text + text_.Statements(c.epilogue);
}

}  // namespace ks
