// Skill tile_contraction: a sum of products with one thread an output goes through shared-memory
// tiles and a register tile a thread.
#include "propose/device/skills.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

class TileContractionSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "tile_contraction"; }
  std::string_view summary() const override {
    return "A sum of products with one thread an output loads every operand from memory for every "
           "product. Compute a tile of outputs a block: operands pass through shared memory, each "
           "thread keeps a small tile of sums in registers, and the next tile is loaded while one "
           "is used. Matrix products in any layout, batched, with bias and activation, "
           "convolutions as implicit products.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      const std::optional<TilePlan> plan = nest ? PlanTiles(*nest) : std::nullopt;
      if (!plan) continue;
      for (const auto& [size, thread, depth] : {std::tuple{128, 8, 8}, {64, 4, 16}, {32, 2, 32}}) {
        if ((size / thread) * (size / thread) > context.device().max_threads_per_block) continue;
        TileSizes sizes;
        sizes.rows = sizes.columns = size;
        sizes.thread_rows = sizes.thread_columns = thread;
        sizes.depth = depth;
        const auto rewrite = EmitRegisterTiles(context, *nest, *plan, sizes);
        auto source = rewrite ? ReplaceKernel(context, *nest, *rewrite) : std::nullopt;
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Compute tiles of " + std::to_string(size) + " x " + std::to_string(size) +
                             " outputs a block in " + nest->kernel + ", with " +
                             std::to_string(thread * thread) + " sums in registers a thread.",
                         EditKind::kStrategy,
                         size == 128  ? 8.0
                         : size == 64 ? 7.0
                                      : 4.0});
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTileContractionSkill() {
  return std::make_unique<TileContractionSkill>();
}

}  // namespace ks
