// Skills for Triton kernels around tl.dot: tile shapes with warps and stages, precision, the order
// of programs.
#include "core/launch_plan_edit.h"
#include "propose/device/dot_tile.h"
#include "propose/device/skills.h"
#include "propose/device/triton_text.h"

namespace ks {
namespace {

constexpr int kPlainSums = 64;

class DotTilesSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "dot_tiles"; }
  std::string_view summary() const override {
    return "The tile of a tl.dot, the warps that share it and the loads in flight only work "
           "together: try whole known-good combinations, larger tiles for large products.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::vector<Node> dots = CallsOf(kernel.body, "tl.dot");
      if (dots.size() != 1) continue;
      const auto tile = TileOfDot(context, kernel, dots[0]);
      if (!tile) continue;
      const Node precision = KeywordArgument(dots[0], "input_precision");
      const bool exact = precision && precision.text() == "\"ieee\"";
      double gain = exact ? 1.4 : 4;
      for (const DotShape& shape : KnownDotShapes()) {
        // Without tensor cores every sum is a register of a thread.
        if (exact && shape.rows * shape.columns > kPlainSums * 32 * shape.warps) continue;
        if (!FitsShared(context, shape, precision ? 4 : 2)) continue;
        auto source = WithDotShape(context.source(), kernel.launches, *tile, shape);
        if (source && *source != context.source()) {
          edits.push_back({*std::move(source),
                           "Tiles of " + std::to_string(shape.rows) + " x " +
                               std::to_string(shape.columns) + " x " + std::to_string(shape.depth) +
                               " in " + kernel.name + " on " + std::to_string(shape.warps) +
                               " warps, " + std::to_string(shape.stages) + " stages.",
                           EditKind::kStructure, gain});
        }
        gain = std::max(1.2, gain * 0.8);
      }
    }
    return edits;
  }
};

class DotPrecisionSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "dot_precision"; }
  std::string_view summary() const override {
    return "tl.dot on f32 runs on the tensor cores as tf32 where the task's precision allows "
           "rounding, or as three tf32 products that together keep f32's precision.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    const std::string& precision = context.task().precision;
    const bool rounds = precision != "f32" && precision != "f64";
    for (const char* wanted : {"\"tf32\"", "\"tf32x3\""}) {
      // Where rounding is allowed, three products instead of one only cost.
      if (rounds != (std::string_view(wanted) == "\"tf32\"")) continue;
      TextEdits text(context.source());
      for (const DeviceKernel& kernel : context.kernels()) {
        for (Node dot : CallsOf(kernel.body, "tl.dot")) {
          const Node present = KeywordArgument(dot, "input_precision");
          // Without the argument the product is rounded already.
          if (!present || present.text() == wanted || KeywordArgument(dot, "allow_tf32")) continue;
          text.Replace(present, wanted);
        }
      }
      if (text.empty()) continue;
      edits.push_back({text.Apply(), std::string("Multiply with input_precision ") + wanted + ".",
                       EditKind::kStrategy, rounds ? 6.0 : 4.0});
    }
    return edits;
  }
};

class GroupProgramsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "group_programs"; }
  std::string_view summary() const override {
    return "Programs that run at the same time should share rows and columns of the operands in "
           "the second-level cache: order the tiles of a two-dimensional grid in groups of a few "
           "rows.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsTriton()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (kernel.launches.size() != 1 || !CallsOf(kernel.body, "tl.swizzle2d").empty()) continue;
      if (context.launches()[kernel.launches[0]]->grid.size() < 2) continue;
      if (!GridUseOf(kernel)) continue;
      TextEdits text(context.source());
      bool used[2] = {false, false};
      const std::string names[2] = {context.FreshName("grouped_0"), context.FreshName("grouped_1")};
      for (Node call : CallsOf(kernel.body, "tl.program_id")) {
        const auto axis = ProgramAxis(call);
        if (!axis || *axis > 1) continue;
        used[*axis] = true;
        text.Replace(call, names[*axis]);
      }
      if (!used[0] || !used[1]) continue;
      const std::string group = context.FreshName("GROUP");
      AddFirstStatement(kernel,
                        names[1] + ", " + names[0] +
                            " = tl.swizzle2d(tl.program_id(1), tl.program_id(0), "
                            "tl.num_programs(1), tl.num_programs(0), " +
                            group + ")",
                        text);
      AddConstexpr(kernel, group, text);
      auto source = WithNewConstant(text.Apply(), group, "8");
      if (!source) continue;
      const bool dot = !CallsOf(kernel.body, "tl.dot").empty();
      edits.push_back({*std::move(source), "Order the programs of " + kernel.name + " in groups.",
                       EditKind::kStructure, dot ? 1.15 : 1.02});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewDotTilesSkill() { return std::make_unique<DotTilesSkill>(); }
std::unique_ptr<DeviceSkill> NewDotPrecisionSkill() {
  return std::make_unique<DotPrecisionSkill>();
}
std::unique_ptr<DeviceSkill> NewGroupProgramsSkill() {
  return std::make_unique<GroupProgramsSkill>();
}

}  // namespace ks
