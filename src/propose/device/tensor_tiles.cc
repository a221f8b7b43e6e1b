#include "base/text.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

struct TypeFacts {
  const char* element;      // of the tiles in shared memory
  const char* instruction;  // of a warp: 16 rows by 8 columns by `depth`
  int depth, bytes;
};

TypeFacts FactsOf(TensorType type) {
  switch (type) {
    case TensorType::kTf32:
      return {"float", "m16n8k8.row.col.f32.tf32.tf32.f32", 8, 4};
    case TensorType::kHalf:
      return {"__half", "m16n8k16.row.col.f32.f16.f16.f32", 16, 2};
    case TensorType::kBf16:
      return {"__nv_bfloat16", "m16n8k16.row.col.f32.bf16.bf16.f32", 16, 2};
  }
  return {"float", "m16n8k8.row.col.f32.tf32.tf32.f32", 8, 4};
}

class TensorTileEmitter {
 public:
  TensorTileEmitter(const DeviceContext& context, const TilePlan& plan, TensorType type)
      : context_(context),
        plan_(plan),
        facts_(FactsOf(type)),
        tiles_(context, plan),
        text_(tiles_.text()) {}

  KernelRewrite Emit(const TileSizes& sizes);

 private:
  void Constant(KernelRewrite& rewrite, std::string& name, const char* base, int value) {
    name = context_.FreshName(base);
    rewrite.constants.emplace_back(name, std::to_string(value));
  }
  // Elements between the rows of a tile that keep a warp's reads in different banks.
  int Pad(bool left) const { return facts_.bytes == 2 || !Operand(left).along_depth ? 8 : 4; }
  // The side's tile lies in shared memory in the order in which it lies in memory.
  std::string Extent(bool left) const { return left ? bm_ : bn_; }
  const TileOperand& Operand(bool left) const { return left ? plan_.left : plan_.right; }
  std::string Pitch(bool left) const {
    return "(" + (Operand(left).along_depth ? bk_ : Extent(left)) + " + " +
           (left ? left_pad_ : right_pad_) + ")";
  }
  std::string Size(bool left) const {
    return (Operand(left).along_depth ? Extent(left) : bk_) + " * " + Pitch(left);
  }
  bool Vectors(bool left) const {
    return Operand(left).element == facts_.element && !Operand(left).vector_condition.empty();
  }
  std::string LoadSide(bool left) const;
  std::string LoadBody(bool left, bool vectors) const;
  std::string LoadFragments(bool left) const;
  std::string Multiply() const;
  std::string MainLoop() const;
  std::string Finish() const;
  std::string Declarations() const;

  const DeviceContext& context_;
  const TilePlan& plan_;
  const TypeFacts facts_;
  const TileText tiles_;
  const DeviceText& text_;
  std::string bm_, bn_, bk_, wd_, wa_, stages_, left_pad_, right_pad_, group_;
};

std::string TensorTileEmitter::LoadBody(bool left, bool vectors) const {
  const TileOperand& operand = Operand(left);
  const std::string extent = Extent(left);
  const std::string width = vectors ? " / " + std::to_string(operand.vector_elements) : "";
  const std::string times = vectors ? " * " + std::to_string(operand.vector_elements) : "";
  const std::string fast = operand.along_depth ? bk_ : extent;
  const std::string names[] = {operand.along_depth ? "ks_k" : "ks_i",
                               operand.along_depth ? "ks_i" : "ks_k"};
  std::string text = "for (int ks_e = ks_thread; ks_e < " + extent + " * " + bk_ + width +
                     "; ks_e += ks_threads) {\n";
  text += "const int " + names[0] + " = ks_e % (" + fast + width + ")" + times + ";\n";
  text += "const int " + names[1] + " = ks_e / (" + fast + width + ");\n";
  text += std::string(facts_.element) + "* ks_to = ks_tile + " + names[1] + " * " + Pitch(left) +
          " + " + names[0] + ";\n";
  const std::string place = std::string(left ? "ks_row0" : "ks_column0") + " + ks_i";
  text += "if (" + place + (left ? " < ks_rows" : " < ks_columns") +
          " && ks_term0 + ks_k < ks_terms) {\n";
  text += left ? tiles_.RowVariables(place) : tiles_.ColumnVariables(place);
  text += tiles_.DepthVariables("ks_term0 + ks_k");
  std::string value = text_.Expr(operand.value);
  if (operand.element == facts_.element) value = text_.Expr(WithoutCast(operand.value));
  std::string load = "*ks_to = " + value + ";\n";
  std::string zero = std::string("*ks_to = ") + facts_.element + "(0.0f);\n";
  if (vectors) {
    load = "__pipeline_memcpy_async(ks_to, &" + value + ", 16);\n";
    zero = "*reinterpret_cast<uint4*>(ks_to) = make_uint4(0, 0, 0, 0);\n";
  }
  if (plan_.contraction.guard && (!left || plan_.guards_left)) {
    load =
        "if (" + text_.Expr(plan_.contraction.guard) + ") {\n" + load + "} else {\n" + zero + "}\n";
  }
  return text + load + "} else {\n" + zero + "}\n}\n";
}

std::string TensorTileEmitter::LoadSide(bool left) const {
  const std::string plain = LoadBody(left, false);
  std::string text = left ? "" : "ks_tile += ks_left_size;\n";
  if (!Vectors(left)) return text + plain;
  return text + "if (" + Operand(left).vector_condition + ") {\n" + LoadBody(left, true) +
         "} else {\n" + plain + "}\n";
}

// Registers of the side's fragments for one step of depth: 16 x depth of the left side each, depth
// x 8 of the right side, two at a time. As PTX ISA, "Matrix Fragments for mma.m16n8k16", has them.
std::string TensorTileEmitter::LoadFragments(bool left) const {
  const bool along = Operand(left).along_depth;
  const std::string name = left ? "ks_x" : "ks_y", pitch = Pitch(left);
  const std::string first = left ? "ks_warp_row + 16 * ks_f" : "ks_warp_column + 16 * ks_f";
  const std::string tile = left ? "ks_tile" : "ks_tile + ks_left_size";
  std::string text = "#pragma unroll\nfor (int ks_f = 0; ks_f < " +
                     std::string(left ? "ks_down" : "ks_across / 2") + "; ++ks_f) {\n";
  const std::string half = std::to_string(16 / facts_.bytes);  // elements of 16 bytes
  if (facts_.bytes == 4 && !along) {
    // No transposing load for 32 bits.
    const std::string at = "[(ks_k + ks_lane % 4 + 4 * (ks_r " + std::string(left ? "/ 2" : "% 2") +
                           ")) * " + pitch + " + " + first + " + ks_lane / 4 + 8 * (ks_r " +
                           (left ? "% 2" : "/ 2") + ")]";
    text += "#pragma unroll\nfor (int ks_r = 0; ks_r < 4; ++ks_r) {\n" + name +
            "[ks_f][ks_r] = __float_as_uint((" + tile + ")" + at + ");\n}\n";
  } else {
    // Which row of which 8 x 8 block (of 16-byte rows) the lane points at.
    const std::string low = "ks_lane % 8", one = "ks_lane / 8 % 2", two = "ks_lane / 16";
    const std::string& by_place = left ? one : two;
    const std::string& by_depth = left ? two : one;
    const std::string place = first + " + 8 * (" + by_place + ")" + (along ? " + " + low : "");
    const std::string depth =
        "ks_k + " + half + " * (" + by_depth + ")" + (along ? "" : " + " + low);
    const std::string at = along ? "(" + place + ") * " + pitch + " + " + depth
                                 : "(" + depth + ") * " + pitch + " + " + place;
    text += "const unsigned ks_at = static_cast<unsigned>(__cvta_generic_to_shared(" + tile +
            " + " + at + "));\n";
    text += "asm volatile(\"ldmatrix.sync.aligned.m8n8.x4" + std::string(along ? "" : ".trans") +
            ".shared.b16 {%0, %1, %2, %3}, [%4];\" : \"=r\"(" + name + "[ks_f][0]), \"=r\"(" +
            name + "[ks_f][1]), \"=r\"(" + name + "[ks_f][2]), \"=r\"(" + name +
            "[ks_f][3]) : \"r\"(ks_at));\n";
  }
  if (facts_.bytes == 4) {
    text +=
        "#pragma unroll\nfor (int ks_r = 0; ks_r < 4; ++ks_r) {\nasm(\"cvt.rna.tf32.f32 %0, %1;\" "
        ": \"=r\"(" +
        name + "[ks_f][ks_r]) : \"f\"(__uint_as_float(" + name + "[ks_f][ks_r])));\n}\n";
  }
  return text + "}\n";
}

std::string TensorTileEmitter::Multiply() const {
  const auto list = [](const std::string& name, int count, const char* kind) {
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i)
      out.push_back(std::string("\"") + kind + "\"(" + name + std::to_string(i) + "])");
    return Join(out, ", ");
  };
  return "#pragma unroll\nfor (int ks_k = 0; ks_k < " + bk_ +
         "; ks_k += " + std::to_string(facts_.depth) +
         ") {\nunsigned ks_x[ks_down][4], ks_y[ks_across / 2][4];\n" + LoadFragments(true) +
         LoadFragments(false) +
         "#pragma unroll\nfor (int ks_f = 0; ks_f < ks_down; ++ks_f) {\n#pragma unroll\nfor (int "
         "ks_g = 0; ks_g < ks_across; ++ks_g) {\nasm volatile(\"mma.sync.aligned." +
         facts_.instruction +
         " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\" : " +
         list("ks_sums[ks_f][ks_g][", 4, "+f") + " : " + list("ks_x[ks_f][", 4, "r") +
         ", \"r\"(ks_y[ks_g / 2][ks_g % 2 * 2]), \"r\"(ks_y[ks_g / 2][ks_g % 2 * 2 + "
         "1]));\n}\n}\n}\n";
}

std::string TensorTileEmitter::MainLoop() const {
  const std::string element = facts_.element;
  return "const auto ks_load = [&](const " + text_.index_type() + " ks_term0, " + element +
         "* ks_tile) {\n" + LoadSide(true) + LoadSide(false) + "};\n" + "const " +
         text_.index_type() + " ks_steps = (ks_terms + " + bk_ + " - 1) / " + bk_ + ";\n" +
         "for (int ks_s = 0; ks_s < " + stages_ + " - 1; ++ks_s) {\n" +
         "if (ks_s < ks_steps) ks_load(ks_s * " + bk_ +
         ", ks_tiles + ks_s * ks_stage);\n__pipeline_commit();\n}\n" + "for (" +
         text_.index_type() + " ks_step = 0; ks_step < ks_steps; ++ks_step) {\n" +
         "__pipeline_wait_prior(" + stages_ + " - 2);\n__syncthreads();\n" + "const " +
         text_.index_type() + " ks_next = ks_step + " + stages_ + " - 1;\n" +
         "if (ks_next < ks_steps) ks_load(ks_next * " + bk_ + ", ks_tiles + ks_next % " + stages_ +
         " * ks_stage);\n__pipeline_commit();\n" + "const " + element +
         "* ks_tile = ks_tiles + ks_step % " + stages_ + " * ks_stage;\n" + Multiply() +
         "}\n__pipeline_wait_prior(0);\n__syncthreads();\n";
}

// Two fragments of sums at a time pass through shared memory, so that neighbouring lanes store
// neighbouring outputs.
std::string TensorTileEmitter::Finish() const {
  return "float* ks_out = reinterpret_cast<float*>(ks_pool) + ks_thread / 32 * 256;\n"
         "#pragma unroll\nfor (int ks_f = 0; ks_f < ks_down; ++ks_f) {\n#pragma unroll\n"
         "for (int ks_g = 0; ks_g < ks_across; ks_g += 2) {\n#pragma unroll\n"
         "for (int ks_r = 0; ks_r < 8; ++ks_r) {\n"
         "ks_out[(ks_lane / 4 + ks_r / 2 % 2 * 8) * 16 + ks_r / 4 * 8 + ks_lane % 4 * 2 + ks_r % "
         "2] = "
         "ks_sums[ks_f][ks_g + ks_r / 4][ks_r % 4];\n}\n__syncwarp();\n"
         "for (int ks_e = ks_lane; ks_e < 256; ks_e += 32) {\n"
         "const " +
         text_.index_type() +
         " ks_row = ks_row0 + ks_warp_row + 16 * ks_f + ks_e / 16;\n"
         "const " +
         text_.index_type() +
         " ks_column = ks_column0 + ks_warp_column + 8 * ks_g + ks_e % 16;\n"
         "if (ks_row < ks_rows && ks_column < ks_columns) {\n" +
         tiles_.Store("ks_row", "ks_column", "ks_out[ks_e]") + "}\n}\n__syncwarp();\n}\n}\n";
}

std::string TensorTileEmitter::Declarations() const {
  const std::string element = facts_.element;
  return "extern __shared__ __align__(128) unsigned char ks_pool[];\n" + element +
         "* ks_tiles = reinterpret_cast<" + element + "*>(ks_pool);\n" +
         "constexpr int ks_left_size = " + Size(true) + ";\n" +
         "constexpr int ks_stage = ks_left_size + " + Size(false) + ";\n" +
         "constexpr int ks_threads = 32 * " + wd_ + " * " + wa_ + ";\n" +
         "constexpr int ks_down = " + bm_ + " / " + wd_ + " / 16;\n" +
         "constexpr int ks_across = " + bn_ + " / " + wa_ + " / 8;\n" + "static_assert(ks_down * " +
         wd_ + " * 16 == " + bm_ + " && ks_across * " + wa_ + " * 8 == " + bn_ +
         " && ks_across % 2 == 0 && " + bk_ + " % 16 == 0 && " + left_pad_ + " * " +
         std::to_string(facts_.bytes) + " % 16 == 0 && " + right_pad_ + " * " +
         std::to_string(facts_.bytes) + " % 16 == 0 && " + stages_ +
         " >= 2, \"whole fragments\");\n" +
         "const int ks_thread = threadIdx.x;\nconst int ks_lane = ks_thread % 32;\n" +
         "const int ks_warp_row = ks_thread / 32 / " + wa_ + " * (" + bm_ + " / " + wd_ + ");\n" +
         "const int ks_warp_column = ks_thread / 32 % " + wa_ + " * (" + bn_ + " / " + wa_ +
         ");\n" + tiles_.Place(bm_, bn_, group_) + "float ks_sums[ks_down][ks_across][4] = {};\n";
}

KernelRewrite TensorTileEmitter::Emit(const TileSizes& sizes) {
  KernelRewrite rewrite;
  Constant(rewrite, bm_, "TILE_ROWS", sizes.rows);
  Constant(rewrite, bn_, "TILE_COLUMNS", sizes.columns);
  Constant(rewrite, bk_, "TILE_DEPTH", sizes.depth);
  Constant(rewrite, wd_, "WARPS_DOWN", sizes.warps_down);
  Constant(rewrite, wa_, "WARPS_ACROSS", sizes.warps_across);
  Constant(rewrite, stages_, "TILE_STAGES", sizes.stages);
  Constant(rewrite, left_pad_, "LEFT_PAD", Pad(true));
  Constant(rewrite, right_pad_, "RIGHT_PAD", Pad(false));
  Constant(rewrite, group_, "TILE_GROUP", 8);
  rewrite.includes = {"cuda_pipeline.h"};
  rewrite.block = "32*" + wd_ + "*" + wa_;
  rewrite.grid = tiles_.Grid(bm_, bn_);
  const std::string bytes = std::to_string(facts_.bytes);
  rewrite.shared = "max(" + stages_ + "*(" + Size(true) + " + " + Size(false) + ")*" + bytes +
                   ", 1024*" + wd_ + "*" + wa_ + ")";
  rewrite.body = Declarations() + MainLoop() + Finish();
  return rewrite;
}

}  // namespace

std::optional<TensorType> TensorTypeFor(const DeviceContext& context, const TilePlan& plan) {
  if (!context.IsCuda()) return std::nullopt;
  const std::string& left = plan.left.element;
  const std::string& right = plan.right.element;
  const auto both = [&](const char* type) { return left == type && right == type; };
  if (both("__half") || both("half")) return TensorType::kHalf;
  if (both("__nv_bfloat16")) return TensorType::kBf16;
  const std::string& precision = context.task().precision;
  const bool rounds = precision == "tf32" || precision == "bf16" || precision == "f16";
  const auto single = [](const std::string& type) { return type.empty() || type == "float"; };
  if (rounds && single(left) && single(right)) return TensorType::kTf32;
  return std::nullopt;
}

std::optional<KernelRewrite> EmitTensorTiles(const DeviceContext& context, const VirtualNest& nest,
                                             const TilePlan& plan, TensorType type,
                                             const TileSizes& sizes) {
  if (!NamesAreFree(nest) || !context.IsCuda()) return std::nullopt;
  return TensorTileEmitter(context, plan, type).Emit(sizes);
}

}  // namespace ks
