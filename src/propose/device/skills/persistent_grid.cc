// Skill persistent_grid: a grid of fixed size whose threads walk the outputs.
#include <algorithm>

#include "propose/device/device_text.h"
#include "propose/device/skills.h"

namespace ks {
namespace {

class PersistentGridSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "persistent_grid"; }
  std::string_view summary() const override {
    return "One thread an output starts and ends very many blocks. A grid of a few blocks a "
           "multiprocessor that strides over the outputs starts each block once, keeps what is "
           "alike for all outputs in registers, and has no last wave that is half empty.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (context.IsTriton() || Strides(context, kernel)) continue;
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      if (!nest || nest->cooperative || !NamesAreFree(*nest)) continue;
      const auto extent = PlanExtent(*nest, nest->grid);
      if (!extent) continue;
      for (const int blocks : {8, 32, 4}) {
        auto source = ReplaceKernel(context, *nest, Emit(context, *nest, *extent, blocks));
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Stride over the outputs of " + kernel.name + " with " +
                             std::to_string(blocks) + " blocks a multiprocessor.",
                         EditKind::kStructure, 1.05});
      }
    }
    return edits;
  }

 private:
  // The grid's size is in the kernel already.
  static bool Strides(const DeviceContext& context, const DeviceKernel& kernel) {
    const std::string_view body = kernel.body.text();
    return body.find(context.IsCuda() ? "gridDim" : "get_global_size") != std::string_view::npos ||
           body.find("get_num_groups") != std::string_view::npos;
  }

  static KernelRewrite Emit(const DeviceContext& context, const VirtualNest& nest,
                            const std::string& extent, int blocks) {
    const DeviceText text(context.dialect(), nest.index_type);
    KernelRewrite rewrite;
    const std::string threads = context.FreshName("GRID_THREADS");
    const std::string per_unit = context.FreshName("BLOCKS_PER_UNIT");
    const int block = std::min(256, static_cast<int>(context.device().max_threads_per_block));
    rewrite.constants = {{threads, std::to_string(block)}, {per_unit, std::to_string(blocks)}};
    rewrite.block = threads;
    rewrite.grid = "min(ceil_div(" + extent + ", " + threads + "), " + per_unit + "*sm_count)";
    const std::string& type = nest.index_type;
    const std::string grid =
        "(" + type + ")" + (context.IsCuda() ? "gridDim.x" : "get_num_groups(0)");
    // The next place could lie beyond the type's range: what is left is compared instead.
    rewrite.body = "const " + type + " ks_outputs = " + text.ExtentText(nest.grid) + ";\nconst " +
                   type + " ks_stride = " + grid + " * " + threads + ";\nfor (" + type +
                   " ks_at = " + text.Block(0) + " * " + threads + " + " + text.Thread(0) +
                   "; ks_at < ks_outputs;) {\n" + type + " ks_flat = ks_at;\n" +
                   text.Unflatten(nest.grid, "ks_flat") + text.Statements(nest.body()) +
                   "if (ks_outputs - ks_at <= ks_stride) break;\nks_at += ks_stride;\n}\n";
    return rewrite;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewPersistentGridSkill() {
  return std::make_unique<PersistentGridSkill>();
}

}  // namespace ks
