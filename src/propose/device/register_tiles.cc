#include <utility>

#include "base/text.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

class RegisterTileEmitter {
 public:
  RegisterTileEmitter(const DeviceContext& context, const TilePlan& plan)
      : context_(context), plan_(plan), tiles_(context, plan), text_(tiles_.text()) {}

  KernelRewrite Emit(const TileSizes& sizes);

 private:
  void Constant(KernelRewrite& rewrite, std::string& name, const char* base, int value) {
    name = context_.FreshName(base);
    rewrite.constants.emplace_back(name, std::to_string(value));
  }
  // One side's loads of a tile into registers, and from there to shared memory.
  struct Side {
    const TileOperand* operand;
    std::string extent, registers, tile, first, limit, index;
    bool left;
  };
  std::string Load(const Side& side, bool vectors) const;
  std::string Keep(const Side& side, bool vectors) const;
  std::string Coordinates(const Side& side, bool vectors) const;
  std::string MainLoop(bool vectors) const;
  std::string Multiply() const;
  std::string Finish() const;
  bool CanUseVectors() const {
    return text_.cuda() && !plan_.left.vector_condition.empty() &&
           !plan_.right.vector_condition.empty() && plan_.left.element == "float" &&
           plan_.right.element == "float";
  }

  const DeviceContext& context_;
  const TilePlan& plan_;
  const TileText tiles_;
  const DeviceText& text_;
  std::string bm_, bn_, bk_, tm_, tn_, pad_, group_;
  std::vector<Side> sides_;
};

// ks_i: place in the tile's rows or columns; ks_k: in its depth. Elements that neighbouring threads
// load lie side by side in memory.
std::string RegisterTileEmitter::Coordinates(const Side& side, bool vectors) const {
  const std::string width = vectors ? " / 4" : "";
  const std::string times = vectors ? " * 4" : "";
  if (side.operand->along_depth) {
    return "const int ks_k = ks_e % (" + bk_ + width + ")" + times +
           ";\nconst int ks_i = ks_e / (" + bk_ + width + ");\n";
  }
  return "const int ks_i = ks_e % (" + side.extent + width + ")" + times +
         ";\nconst int ks_k = ks_e / (" + side.extent + width + ");\n";
}

std::string RegisterTileEmitter::Load(const Side& side, bool vectors) const {
  const std::string count = side.extent + " * " + bk_ + (vectors ? " / 4" : "");
  std::string text = "#pragma unroll\nfor (int ks_l = 0; ks_l < (" + count +
                     " + ks_threads - 1) / ks_threads; ++ks_l) {\nconst int ks_e = ks_thread + "
                     "ks_l * ks_threads;\n";
  text += side.registers +
          (vectors ? "4[ks_l] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);\n" : "[ks_l] = 0.0f;\n");
  text += Coordinates(side, vectors);
  text += "if (ks_e < " + count + " && " + side.first + " + ks_i < " + side.limit +
          " && ks_term0 + ks_k < ks_terms) {\n";
  text += side.left ? tiles_.RowVariables(side.first + " + ks_i")
                    : tiles_.ColumnVariables(side.first + " + ks_i");
  text += tiles_.DepthVariables("ks_term0 + ks_k");
  std::string load = text_.Expr(side.operand->value);
  if (vectors) load = "*reinterpret_cast<const float4*>(&" + load + ")";
  load = side.registers + (vectors ? "4" : "") + "[ks_l] = " + load + ";\n";
  if (plan_.contraction.guard && (!side.left || plan_.guards_left)) {
    load = "if (" + text_.Expr(plan_.contraction.guard) + ") {\n" + load + "}\n";
  }
  return text + load + "}\n}\n";
}

std::string RegisterTileEmitter::Keep(const Side& side, bool vectors) const {
  const std::string count = side.extent + " * " + bk_ + (vectors ? " / 4" : "");
  std::string text = "#pragma unroll\nfor (int ks_l = 0; ks_l < (" + count +
                     " + ks_threads - 1) / ks_threads; ++ks_l) {\nconst int ks_e = ks_thread + "
                     "ks_l * ks_threads;\nif (ks_e < " +
                     count + ") {\n" + Coordinates(side, vectors);
  if (!vectors) return text + side.tile + "[ks_k][ks_i] = " + side.registers + "[ks_l];\n}\n}\n";
  if (!side.operand->along_depth) {
    return text + "*reinterpret_cast<float4*>(&" + side.tile + "[ks_k][ks_i]) = " + side.registers +
           "4[ks_l];\n}\n}\n";
  }
  const char* const kParts[] = {"x", "y", "z", "w"};
  for (int i = 0; i < 4; ++i) {
    text += side.tile + "[ks_k + " + std::to_string(i) + "][ks_i] = " + side.registers +
            "4[ks_l]." + kParts[i] + ";\n";
  }
  return text + "}\n}\n";
}

std::string RegisterTileEmitter::Multiply() const {
  return "#pragma unroll\nfor (int ks_k = 0; ks_k < " + bk_ + "; ++ks_k) {\nfloat ks_x[" + tm_ +
         "], ks_y[" + tn_ + "];\n#pragma unroll\nfor (int ks_i = 0; ks_i < " + tm_ +
         "; ++ks_i) ks_x[ks_i] = ks_left[ks_k][ks_down * " + tm_ +
         " + ks_i];\n#pragma unroll\nfor (int ks_j = 0; ks_j < " + tn_ +
         "; ++ks_j) {\nks_y[ks_j] = ks_right[ks_k][(ks_j / ks_run * (" + bn_ + " / " + tn_ +
         ") + ks_across) * ks_run + ks_j % ks_run];\n}\n#pragma unroll\nfor (int ks_i = 0; ks_i "
         "< " +
         tm_ + "; ++ks_i) {\n#pragma unroll\nfor (int ks_j = 0; ks_j < " + tn_ +
         "; ++ks_j) ks_sums[ks_i][ks_j] += ks_x[ks_i] * ks_y[ks_j];\n}\n}\n";
}

std::string RegisterTileEmitter::MainLoop(bool vectors) const {
  std::string declarations, load, keep;
  for (const Side& side : sides_) {
    const std::string count = "(" + side.extent + " * " + bk_ + (vectors ? " / 4" : "") +
                              " + ks_threads - 1) / ks_threads";
    declarations += (vectors ? "float4 " + side.registers + "4" : "float " + side.registers) + "[" +
                    count + "];\n";
    load += Load(side, vectors);
    keep += Keep(side, vectors);
  }
  const std::string type = text_.index_type();
  return declarations + "{\nconst " + type + " ks_term0 = 0;\n" + load + "}\nfor (" + type +
         " ks_next = 0; ks_next < ks_terms;) {\n" + keep + "ks_next += " + bk_ + ";\n" +
         text_.Barrier() + "if (ks_next < ks_terms) {\nconst " + type + " ks_term0 = ks_next;\n" +
         load + "}\n" + Multiply() + text_.Barrier() + "}\n";
}

std::string RegisterTileEmitter::Finish() const {
  const std::string type = "const " + text_.index_type();
  return "#pragma unroll\nfor (int ks_i = 0; ks_i < " + tm_ +
         "; ++ks_i) {\n#pragma unroll\nfor (int ks_j = 0; ks_j < " + tn_ + "; ++ks_j) {\n" + type +
         " ks_row = ks_row0 + ks_down * " + tm_ + " + ks_i;\n" + type +
         " ks_column = ks_column0 + (ks_j / ks_run * (" + bn_ + " / " + tn_ +
         ") + ks_across) * ks_run + ks_j % ks_run;\nif (ks_row < ks_rows && ks_column < "
         "ks_columns) {\n" +
         tiles_.Store("ks_row", "ks_column", "ks_sums[ks_i][ks_j]") + "}\n}\n}\n";
}

KernelRewrite RegisterTileEmitter::Emit(const TileSizes& sizes) {
  KernelRewrite rewrite;
  Constant(rewrite, bm_, "TILE_ROWS", sizes.rows);
  Constant(rewrite, bn_, "TILE_COLUMNS", sizes.columns);
  Constant(rewrite, bk_, "TILE_DEPTH", sizes.depth);
  Constant(rewrite, tm_, "THREAD_ROWS", sizes.thread_rows);
  Constant(rewrite, tn_, "THREAD_COLUMNS", sizes.thread_columns);
  Constant(rewrite, pad_, "TILE_PAD", 4);
  Constant(rewrite, group_, "TILE_GROUP", 8);
  sides_ = {{&plan_.left, bm_, "ks_a", "ks_left", "ks_row0", "ks_rows", "ks_i", true},
            {&plan_.right, bn_, "ks_b", "ks_right", "ks_column0", "ks_columns", "ks_i", false}};
  rewrite.block = bm_ + "/" + tm_ + "*(" + bn_ + "/" + tn_ + ")";
  rewrite.grid = tiles_.Grid(bm_, bn_);
  std::string body;
  const std::string aligned = text_.cuda() ? "__align__(16) float" : "float";
  body += text_.Shared(aligned, "ks_left", "[" + bk_ + "][" + bm_ + " + " + pad_ + "]");
  body += text_.Shared(aligned, "ks_right", "[" + bk_ + "][" + bn_ + " + " + pad_ + "]");
  if (text_.cuda()) {
    body += "static_assert(" + bm_ + " % " + tm_ + " == 0 && " + bn_ + " % " + tn_ + " == 0 && " +
            bk_ + " % 4 == 0 && " + pad_ + " % 4 == 0, \"whole thread tiles and vectors\");\n";
  }
  body += "const int ks_run = " + tn_ + " % 4 == 0 ? 4 : 1;\n";
  body += "const int ks_threads = " + bm_ + " / " + tm_ + " * (" + bn_ + " / " + tn_ + ");\n";
  // Array extents need a constant expression in both dialects.
  const auto constant = [&](std::string text) {
    const std::string value = "(" + bm_ + " / " + tm_ + " * (" + bn_ + " / " + tn_ + "))";
    return ReplaceAll(text, "ks_threads - 1) / ks_threads", value + " - 1) / " + value);
  };
  body += "const int ks_thread = " + text_.Thread(0) + ";\n";
  body += "const int ks_across = ks_thread % (" + bn_ + " / " + tn_ + ");\n";
  body += "const int ks_down = ks_thread / (" + bn_ + " / " + tn_ + ");\n";
  body += tiles_.Place(bm_, bn_, group_);
  body += "float ks_sums[" + tm_ + "][" + tn_ + "];\n";
  body += "for (int ks_i = 0; ks_i < " + tm_ + "; ++ks_i) {\nfor (int ks_j = 0; ks_j < " + tn_ +
          "; ++ks_j) ks_sums[ks_i][ks_j] = 0.0f;\n}\n";
  if (CanUseVectors()) {
    body += "if (" + plan_.left.vector_condition + " && " + plan_.right.vector_condition + ") {\n" +
            constant(MainLoop(true)) + "} else {\n" + constant(MainLoop(false)) + "}\n";
  } else {
    body += constant(MainLoop(false));
  }
  rewrite.body = body + Finish();
  return rewrite;
}

}  // namespace

std::optional<KernelRewrite> EmitRegisterTiles(const DeviceContext& context,
                                               const VirtualNest& nest, const TilePlan& plan,
                                               const TileSizes& sizes) {
  if (!NamesAreFree(nest)) return std::nullopt;
  return RegisterTileEmitter(context, plan).Emit(sizes);
}

}  // namespace ks
