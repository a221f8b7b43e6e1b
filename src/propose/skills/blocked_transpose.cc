// Skill blocked_transpose: copies with exchanged axes through 8 x 8 squares in registers.
#include <algorithm>

#include "base/text.h"
#include "propose/skills/skills.h"
#include "propose/vector/affine_form.h"
#include "propose/vector/vectorize.h"

namespace ks {
namespace {

using SKind = IrStmt::Kind;

constexpr char kSquare[] = R"ks(
// An 8 x 8 square of 32-bit elements: into[c][r] = from[r][c].
inline __attribute__((always_inline)) void NAME(const float* from, int64_t from_stride,
                                                float* into, int64_t into_stride) {
  typedef float Row __attribute__((vector_size(32)));
  typedef float MemRow __attribute__((vector_size(32), aligned(4), may_alias));
  Row r[8], s[8];
  for (int i = 0; i < 8; ++i) r[i] = *reinterpret_cast<const MemRow*>(from + i * from_stride);
  for (int i = 0; i < 8; i += 2) {  // pairs of rows
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {  // pairs of pairs
    r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 1] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    r[i + 2] = __builtin_shufflevector(s[i + 1], s[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 3] = __builtin_shufflevector(s[i + 1], s[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; ++i) {  // halves
    s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (int i = 0; i < 8; ++i) *reinterpret_cast<MemRow*>(into + i * into_stride) = s[i];
}
)ks";

struct Copy {
  std::vector<const IrStmt*> batch;
  const IrStmt* read_along = nullptr;   // neighbours in the source
  const IrStmt* write_along = nullptr;  // neighbours in the destination
  IrExprPtr from, into;
  Polynomial from_stride, into_stride;  // of write_along in the source, read_along in the result
};

std::optional<Copy> MatchCopy(const KernelIr& kernel, const IrStmt& nest) {
  std::vector<const IrStmt*> loops;
  const IrStmt* at = &nest;
  while (at->kind == SKind::kFor && at->body.size() == 1) {
    loops.push_back(at);
    at = &at->body[0];
  }
  if (at->kind != SKind::kAssign || at->op != "=" || loops.size() < 2) return std::nullopt;
  if (at->target->kind != IrExpr::Kind::kIndex || at->value->kind != IrExpr::Kind::kIndex) {
    return std::nullopt;
  }
  const std::string type = kernel.ElementOf(at->target->text);
  if (type != "float" || kernel.ElementOf(at->value->text) != type ||
      at->target->text == at->value->text) {
    return std::nullopt;
  }
  Copy copy;
  copy.from = at->value;
  copy.into = at->target;
  const Polynomial from = Polynomial::Of(copy.from->args[0]);
  const Polynomial into = Polynomial::Of(copy.into->args[0]);
  for (const IrStmt* loop : loops) {
    for (const IrStmt* other : loops) {
      if (Mentions(other->low, loop->name) || Mentions(other->high, loop->name)) {
        return std::nullopt;
      }
    }
    const auto in = from.StrideOf(loop->name);
    const auto out = into.StrideOf(loop->name);
    if (!in || !out || out->IsZero()) return std::nullopt;
    if (in->Constant() == 1 && out->Constant() != 1 && !copy.read_along) {
      copy.read_along = loop;
      copy.into_stride = *out;
    } else if (out->Constant() == 1 && in->Constant() != 1 && !copy.write_along) {
      copy.write_along = loop;
      copy.from_stride = *in;
    } else {
      copy.batch.push_back(loop);
    }
  }
  if (!copy.read_along || !copy.write_along) return std::nullopt;
  return copy;
}

std::string Header(const IrStmt& l) {
  return "for (" + l.cpp_type + " " + l.name + " = " + ToText(*l.low) + "; " + l.name + " < " +
         ToText(*l.high) + "; ++" + l.name + ") {\n";
}

// Loops over tiles, then over squares of a tile; what does not fill a square goes one by one.
std::string TiledText(const Copy& copy, const std::string& read_tile, const std::string& write_tile,
                      const std::string& square) {
  const std::string& r = copy.read_along->name;
  const std::string& w = copy.write_along->name;
  const std::string copy_one = ToText(*copy.into) + " = " + ToText(*copy.from) + ";\n";
  std::string text = "{\n";
  text += "const int64_t read_end = " + ToText(*copy.read_along->high) + ";\n";
  text += "const int64_t write_end = " + ToText(*copy.write_along->high) + ";\n";
  for (const IrStmt* loop : copy.batch) text += Header(*loop);
  text += "for (int64_t write_tile = " + ToText(*copy.write_along->low) +
          "; write_tile < write_end; write_tile += " + write_tile + ") {\n";
  text +=
      "const int64_t write_stop = std::min<int64_t>(write_tile + " + write_tile + ", write_end);\n";
  text += "for (int64_t read_tile = " + ToText(*copy.read_along->low) +
          "; read_tile < read_end; read_tile += " + read_tile + ") {\n";
  text += "const int64_t read_stop = std::min<int64_t>(read_tile + " + read_tile + ", read_end);\n";
  text += "int64_t " + r + " = read_tile;\n";
  text += "for (; " + r + " + 8 <= read_stop; " + r + " += 8) {\n";
  text += "int64_t " + w + " = write_tile;\n";
  text += "for (; " + w + " + 8 <= write_stop; " + w + " += 8) {\n";
  text += square + "(&" + ToText(*copy.from) + ", " + copy.from_stride.ToText() + ", &" +
          ToText(*copy.into) + ", " + copy.into_stride.ToText() + ");\n}\n";
  text += "for (; " + w + " < write_stop; ++" + w + ") {\n";
  text += "for (int64_t last = " + r + " + 8, first = " + r + "; first < last; ++first) {\n";
  text += "const int64_t " + r + " = first;\n" + copy_one + "}\n}\n}\n";
  text += "for (; " + r + " < read_stop; ++" + r + ") {\n";
  text += "for (int64_t " + w + " = write_tile; " + w + " < write_stop; ++" + w + ") {\n" +
          copy_one + "}\n}\n}\n}\n";
  for (size_t b = 0; b < copy.batch.size(); ++b) text += "}\n";
  return text + "}";
}

class BlockedTransposeSkill final : public Skill {
 public:
  std::string name() const override { return "blocked_transpose"; }
  std::string_view summary() const override {
    return "A copy that reads along one axis and writes along another: tiles that fit the caches, "
           "and inside them 8 x 8 squares exchanged in vector registers, so that both sides move "
           "whole vectors.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    const auto ir = BuildKernelIr(kernel.tree(), kernel.task().entry);
    if (!ir) return {};
    for (const char* own : {"read_tile", "write_tile", "read_stop", "write_stop", "read_end",
                            "write_end", "first", "last"}) {
      if (ir->scalars.count(own) > 0 || ir->arrays.count(own) > 0) return {};
    }
    std::vector<Edit> edits;
    for (const IrStmt& nest : ir->body) {
      const auto copy = nest.kind == SKind::kFor ? MatchCopy(*ir, nest) : std::nullopt;
      if (!copy) continue;
      for (const auto& [read, write] : {std::pair{64, 64}, std::pair{16, 256}}) {
        edits.push_back({Rewritten(kernel, *ir, nest, *copy, read, write),
                         "Exchange axes in 8 x 8 register squares inside tiles of " +
                             std::to_string(read) + " x " + std::to_string(write) + ".",
                         EditKind::kStrategy, read == 64 ? 3.0 : 2.5});
      }
    }
    return edits;
  }

 private:
  static std::string Rewritten(const KernelContext& kernel, const KernelIr& ir, const IrStmt& nest,
                               const Copy& copy, int read, int write) {
    std::string source = kernel.source();
    const std::string read_tile = FreshName(source, "kReadTile");
    const std::string write_tile = FreshName(source, "kWriteTile");
    const std::string square = "TransposeSquare" + read_tile.substr(9);
    const size_t margin = nest.begin - (source.rfind('\n', nest.begin) + 1);
    std::string text = Indent(TiledText(copy, read_tile, write_tile, square), margin);
    text = std::string(Trim(text));
    source.replace(nest.begin, nest.end - nest.begin, text);
    std::string head = "#include <algorithm>\nnamespace {\n";
    head += TunableLine(read_tile, read, "8 16 32 64 128", "tile along the reads");
    head += TunableLine(write_tile, write, "8 16 32 64 128 256", "tile along the writes");
    head += std::string(kHelpersBegin) + ReplaceAll(kSquare, "NAME", square) +
            std::string(kHelpersEnd) + "\n}  // namespace\n\n";
    source.insert(ir.top_begin, head);
    return WithVectorFlags(source, kernel.machine());
  }
};

}  // namespace

std::unique_ptr<Skill> NewBlockedTransposeSkill() {
  return std::make_unique<BlockedTransposeSkill>();
}

}  // namespace ks
