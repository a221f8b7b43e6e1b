// Skill tensor_cores: a sum of products on the tensor cores, where the task's precision allows.
#include "propose/device/skills.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

class TensorCoresSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "tensor_cores"; }
  std::string_view summary() const override {
    return "Tensor cores multiply 16 x 16 tiles a warp many times faster than the ordinary units, "
           "from half or bf16 operands, or from f32 rounded to tf32 where the task's precision "
           "allows. Tiles come to shared memory by asynchronous copies, several in flight.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      const std::optional<TilePlan> plan = nest ? PlanTiles(*nest) : std::nullopt;
      if (!plan) continue;
      const std::optional<TensorType> type = TensorTypeFor(context, *plan);
      if (!type) continue;
      for (const int size : {128, 64}) {
        TileSizes sizes;
        sizes.rows = sizes.columns = size;
        sizes.depth = 32;
        sizes.warps_down = 2;
        sizes.warps_across = size == 128 ? 4 : 2;
        const auto rewrite = EmitTensorTiles(context, *nest, *plan, *type, sizes);
        auto source = rewrite ? ReplaceKernel(context, *nest, *rewrite) : std::nullopt;
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Multiply tiles of " + std::to_string(size) + " x " +
                             std::to_string(size) + " of " + nest->kernel +
                             " on the tensor cores, fed by asynchronous copies.",
                         EditKind::kStrategy, size == 128 ? 40.0 : 30.0});
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTensorCoresSkill() { return std::make_unique<TensorCoresSkill>(); }

}  // namespace ks
