// Skill tile_contraction: a sum of products with one thread an output goes through shared-memory
// tiles and a register tile a thread.
#include <algorithm>

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
      for (const auto& [size, thread, depth] : {std::tuple{128, 8, 8}, {64, 4, 16}, {32, 2, 32}}) {
        if ((size / thread) * (size / thread) > context.device().max_threads_per_block) continue;
        TileSizes sizes;
        sizes.rows = sizes.columns = size;
        sizes.thread_rows = sizes.thread_columns = thread;
        sizes.depth = depth;
        auto source = kernel.launches.size() == 1 ? Tiled(context, kernel, sizes)
                                                  : AllTiled(context, kernel, sizes);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Compute tiles of " + std::to_string(size) + " x " + std::to_string(size) +
                             " outputs a block in " + kernel.name + ", with " +
                             std::to_string(thread * thread) + " sums in registers a thread.",
                         EditKind::kStrategy,
                         size == 128  ? 8.0
                         : size == 64 ? 7.0
                                      : 4.0});
      }
    }
    return edits;
  }

 private:
  static std::optional<std::string> Tiled(const DeviceContext& context, const DeviceKernel& kernel,
                                          const TileSizes& sizes) {
    const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
    const std::optional<TilePlan> plan = nest ? PlanTiles(*nest) : std::nullopt;
    const auto rewrite = plan ? EmitRegisterTiles(context, *nest, *plan, sizes) : std::nullopt;
    return rewrite ? ReplaceKernel(context, *nest, *rewrite) : std::nullopt;
  }

  // A kernel that is launched several times: each launch in tiles of its own.
  static std::optional<std::string> AllTiled(const DeviceContext& context,
                                             const DeviceKernel& kernel, const TileSizes& sizes) {
    const auto own = WithOwnKernels(context, kernel);
    if (!own) return std::nullopt;
    std::string source = own->source;
    for (const std::string& name : own->names) {
      const auto now = DeviceContext::Make(source, context.task(), context.machine(),
                                           context.IsCuda() ? "cuda" : "opencl", nullptr);
      if (now == nullptr) return std::nullopt;
      const auto& kernels = now->kernels();
      const auto found = std::find_if(kernels.begin(), kernels.end(),
                                      [&](const DeviceKernel& k) { return k.name == name; });
      auto next = found == kernels.end() ? std::nullopt : Tiled(*now, *found, sizes);
      if (!next) return std::nullopt;
      source = *std::move(next);
    }
    return source;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTileContractionSkill() {
  return std::make_unique<TileContractionSkill>();
}

}  // namespace ks
