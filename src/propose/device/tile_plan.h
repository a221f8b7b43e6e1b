// A contraction with one thread an output, arranged for tiles: every parallel loop becomes part of
// the tile's rows, of its columns, or of the batch; several loops of one part are taken as one flat
// index (a convolution is then an implicit matrix product).
#ifndef KS_PROPOSE_DEVICE_TILE_PLAN_H_
#define KS_PROPOSE_DEVICE_TILE_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "propose/device/device_text.h"
#include "propose/device/virtual_nest.h"

namespace ks {

// One factor of the product, as it is loaded.
struct TileOperand {
  IrExprPtr value;           // in loop variables, converted to the type of the sum
  std::string array;         // when `value` is one array element (conversion left out); else empty
  std::string element;       // type of that element
  bool along_depth = false;  // neighbours in memory are neighbours in depth, not in row or column
  // Condition (text) under which 16-byte loads along the contiguous direction are aligned and stay
  // inside; empty: never.
  std::string vector_condition;
  int vector_elements = 4;  // 16 bytes of them
};

// Value. All expressions are in the kernel's loop variables.
struct TilePlan {
  Contraction contraction;
  std::vector<LoopHeader> rows, columns, batch, depth;  // slowest first
  TileOperand left, right;
  bool guards_left = false;  // the contraction's guard is known where the left side is loaded
  std::string sum_type, index_type;
  std::string plan_rows, plan_columns, plan_batch, plan_depth;  // extents for the plan; depth and
                                                                // may be empty
};

// Empty: the nest is no contraction, or its grid cannot be written.
std::optional<TilePlan> PlanTiles(const VirtualNest& nest);

// What the emitters of tiled kernels share.
class TileText {
 public:
  TileText(const DeviceContext& context, const TilePlan& plan)
      : plan_(plan), text_(context.dialect(), plan.index_type) {}

  const DeviceText& text() const { return text_; }
  // Which tile the block makes: ks_row0, ks_column0 and the batch's variables.
  std::string Place(const std::string& tile_rows, const std::string& tile_columns,
                    const std::string& group) const;
  // Loop variables of the rows (columns, depth) from a flat index.
  std::string RowVariables(const std::string& flat) const;
  std::string ColumnVariables(const std::string& flat) const;
  std::string DepthVariables(const std::string& flat) const;
  // Stores one output: `sum` is the text of the accumulated value.
  std::string Store(const std::string& row, const std::string& column,
                    const std::string& sum) const;
  std::string Extents() const;  // ks_rows, ks_columns, ks_terms
  std::string Grid(const std::string& tile_rows, const std::string& tile_columns) const;

 private:
  std::string Variables(const std::vector<LoopHeader>& loops, const std::string& flat,
                        const char* scratch) const;

  const TilePlan& plan_;
  const DeviceText text_;
};

// The expression below casts of it.
IrExprPtr WithoutCast(IrExprPtr e);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TILE_PLAN_H_
