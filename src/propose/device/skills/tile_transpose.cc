// Skill tile_transpose: data that changes its direction goes through shared memory.
#include "base/text.h"
#include "propose/device/device_text.h"
#include "propose/device/skills.h"
#include "propose/vector/affine_form.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

// target[..] = source[..], both moving with two grid loops, each contiguous along another.
struct Turn {
  IrExprPtr target, source;
  LoopHeader along_source, along_target;
  std::vector<LoopHeader> others;
};

std::optional<Turn> FindTurn(const VirtualNest& nest) {
  const std::vector<IrStmt>& body = nest.body();
  if (body.size() != 1 || body[0].kind != SKind::kAssign || body[0].op != "=" ||
      body[0].target->kind != EKind::kIndex || body[0].value->kind != EKind::kIndex) {
    return std::nullopt;
  }
  Turn turn;
  turn.target = body[0].target;
  turn.source = body[0].value;
  if (turn.target->text == turn.source->text) return std::nullopt;
  const Polynomial to = Polynomial::Of(turn.target->args[0]);
  const Polynomial from = Polynomial::Of(turn.source->args[0]);
  const auto unit = [](const Polynomial& form, const std::string& name) {
    const auto stride = form.StrideOf(name);
    return stride && stride->Constant() == 1;
  };
  int found = 0;
  for (const LoopHeader& loop : nest.grid) {
    if (unit(from, loop.name)) {
      turn.along_source = loop;
      found |= 1;
    } else if (unit(to, loop.name)) {
      turn.along_target = loop;
      found |= 2;
    } else {
      turn.others.push_back(loop);
    }
  }
  if (found != 3 || turn.others.size() + 2 != nest.grid.size()) return std::nullopt;
  if (unit(to, turn.along_source.name)) return std::nullopt;
  return turn;
}

class TileTransposeSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "tile_transpose"; }
  std::string_view summary() const override {
    return "A copy that reads along one axis and writes along another is uncoalesced on one side. "
           "Move square tiles through padded shared memory, so that both sides are contiguous.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      if (!nest || !NamesAreFree(*nest)) continue;
      const std::optional<Turn> turn = FindTurn(*nest);
      const auto rewrite = turn ? Emit(context, *nest, *turn) : std::nullopt;
      if (!rewrite) continue;
      if (auto source = ReplaceKernel(context, *nest, *rewrite)) {
        edits.push_back({*std::move(source), "Turn tiles of " + nest->kernel + " in shared memory.",
                         EditKind::kStrategy, 2.5});
      }
    }
    return edits;
  }

 private:
  static std::optional<KernelRewrite> Emit(const DeviceContext& context, const VirtualNest& nest,
                                           const Turn& turn) {
    const DeviceText text(context.dialect(), nest.index_type);
    const auto across = PlanExtent(nest, {turn.along_source});
    const auto down = PlanExtent(nest, {turn.along_target});
    const auto others = PlanExtent(nest, turn.others);
    const std::string element = nest.ir.ElementOf(turn.source->text);
    if (!across || !down || !others || element != nest.ir.ElementOf(turn.target->text)) {
      return std::nullopt;
    }
    KernelRewrite rewrite;
    const std::string side = context.FreshName("TURN_TILE");
    const std::string rows = context.FreshName("TURN_ROWS");
    rewrite.constants = {{side, "32"}, {rows, "8"}};
    rewrite.block = side + ", " + rows;
    rewrite.grid = "ceil_div(" + *across + ", " + side + ")*ceil_div(" + *down + ", " + side + ")";
    if (*others != "1") rewrite.grid += "*" + *others;
    const std::string type = "const " + nest.index_type;
    const std::string wide = "(" + text.Expr(turn.along_source.high) + ")";
    const std::string high = "(" + text.Expr(turn.along_target.high) + ")";
    std::string body = text.Shared(element, "ks_tile", "[" + side + "][" + side + " + 1]");
    body += "const int ks_x = " + text.Thread(0) + ";\nconst int ks_y = " + text.Thread(1) + ";\n";
    body += nest.index_type + " ks_block = " + text.Block(0) + ";\n";
    body += type + " ks_across = (" + wide + " + " + side + " - 1) / " + side + ";\n";
    body += type + " ks_down = (" + high + " + " + side + " - 1) / " + side + ";\n";
    body += type + " ks_source0 = ks_block % ks_across * " + side + ";\nks_block /= ks_across;\n";
    body += type + " ks_target0 = ks_block % ks_down * " + side + ";\nks_block /= ks_down;\n";
    if (!turn.others.empty()) body += text.Unflatten(turn.others, "ks_block");
    const auto pass = [&](bool load) {
      const std::string a = "ks_source0 + " + std::string(load ? "ks_x" : "ks_r");
      const std::string b = "ks_target0 + " + std::string(load ? "ks_r" : "ks_x");
      std::string loop = "for (int ks_r = ks_y; ks_r < " + side + "; ks_r += " + rows + ") {\n";
      loop += type + " " + turn.along_source.name + " = " + a + ";\n";
      loop += type + " " + turn.along_target.name + " = " + b + ";\n";
      loop += "if (" + turn.along_source.name + " < " + wide + " && " + turn.along_target.name +
              " < " + high + ") {\n";
      loop += load ? "ks_tile[ks_r][ks_x] = " + text.Expr(turn.source) + ";\n"
                   : text.Expr(turn.target) + " = ks_tile[ks_x][ks_r];\n";
      return loop + "}\n}\n";
    };
    rewrite.body = body + pass(true) + text.Barrier() + pass(false);
    return rewrite;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTileTransposeSkill() {
  return std::make_unique<TileTransposeSkill>();
}

}  // namespace ks
