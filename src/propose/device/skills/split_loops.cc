// Skill split_loops: few long rows, or few outputs of long sums, are dealt out to many blocks.
#include <algorithm>

#include "propose/device/row_emit.h"
#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

constexpr int64_t kTileOutputs = 64 * 64;  // of a block, where tiles are made

const DeviceKernel* KernelNamed(const DeviceContext& context, const std::string& name) {
  for (const DeviceKernel& kernel : context.kernels()) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

// `source` with that kernel rewritten by `emit`; empty where it does not fit.
template <typename Emit>
std::optional<std::string> Rewritten(const DeviceContext& parent, const std::string& source,
                                     const std::string& kernel, Emit emit) {
  const auto context = DeviceContext::Make(source, parent.task(), parent.machine(),
                                           parent.IsCuda() ? "cuda" : "opencl", nullptr);
  const DeviceKernel* const found = context == nullptr ? nullptr : KernelNamed(*context, kernel);
  if (found == nullptr) return std::nullopt;
  const std::optional<VirtualNest> nest = BuildVirtualNest(*context, *found);
  const std::optional<KernelRewrite> rewrite = nest ? emit(*context, *nest) : std::nullopt;
  return rewrite ? ReplaceKernel(*context, *nest, *rewrite) : std::nullopt;
}

std::optional<KernelRewrite> ShareRow(const DeviceContext& context, const VirtualNest& nest) {
  const std::optional<RowPlan> plan = PlanRow(nest);
  return plan ? EmitRowKernel(context, nest, *plan, {RowScheme::kBlock, false}) : std::nullopt;
}

std::optional<KernelRewrite> MakeTiles(const DeviceContext& context, const VirtualNest& nest) {
  const std::optional<TilePlan> plan = PlanTiles(nest);
  if (!plan) return std::nullopt;
  TileSizes sizes;
  sizes.rows = sizes.columns = 64;
  sizes.thread_rows = sizes.thread_columns = 4;
  sizes.depth = 16;
  return EmitRegisterTiles(context, nest, *plan, sizes);
}

class SplitLoopsSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "split_loops"; }
  std::string_view summary() const override {
    return "A few long rows, or a few outputs of long sums, leave most of the device idle. Split "
           "each loop into parts that run in blocks of their own; parts of sums and extrema go "
           "through a scratch buffer and are combined by the next launch (two-stage reduction, "
           "split-K). Costs a launch a loop.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      if (context.IsTriton()) break;
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      const std::optional<RowPlan> plan = nest ? PlanRow(*nest) : std::nullopt;
      const auto extent = nest ? PlanExtent(*nest, nest->grid) : std::nullopt;
      if (!plan || !extent) continue;
      const int64_t units = context.device().sm_count;
      const bool contraction = PlanTiles(*nest).has_value();
      int64_t blocks = LargestGrid(context, *extent);
      if (contraction) blocks = (blocks + kTileOutputs - 1) / kTileOutputs;
      if (blocks > 4 * units) continue;  // enough without parts
      const double gain =
          blocks == 0
              ? 1.2
              : std::min<double>(8, static_cast<double>(4 * units) / static_cast<double>(blocks));
      for (const int parts : {32, 8, 128}) {
        auto source = contraction ? Tiled(context, kernel, *nest, *plan, parts)
                                  : Rows(context, kernel, *nest, *plan, parts);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Split the loops of " + kernel.name + " into " + std::to_string(parts) +
                             " parts in blocks of their own.",
                         EditKind::kStrategy,
                         parts == 32 ? std::max(gain, 1.1) : std::max(0.8 * gain, 1.05)});
      }
    }
    return edits;
  }

 private:
  static std::optional<std::string> Rows(const DeviceContext& context, const DeviceKernel& kernel,
                                         const VirtualNest& nest, const RowPlan& plan, int parts) {
    const auto split = SplitIntoPhases(context, kernel, nest, plan, {parts, false});
    if (!split) return std::nullopt;
    std::string source = split->source;
    std::vector<std::string> names = split->partials;
    if (split->last_is_split) names.push_back(split->last);
    for (const std::string& name : names) {
      auto next = Rewritten(context, source, name, ShareRow);
      if (!next) return std::nullopt;
      source = *std::move(next);
    }
    return source;
  }

  static std::optional<std::string> Tiled(const DeviceContext& context, const DeviceKernel& kernel,
                                          const VirtualNest& nest, const RowPlan& plan, int parts) {
    const auto split = SplitIntoPhases(context, kernel, nest, plan, {parts, true});
    if (!split || split->partials.size() != 1) return std::nullopt;
    return Rewritten(context, split->source, split->partials[0], MakeTiles);
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewSplitLoopsSkill() { return std::make_unique<SplitLoopsSkill>(); }

}  // namespace ks
