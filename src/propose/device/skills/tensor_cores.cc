// Skill tensor_cores: a sum of products on the tensor cores, where the task's precision allows.
#include "propose/device/skills.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

struct TensorForm {
  int rows, columns, depth, warps_down, warps_across;
};

// Best first on an H100, 4096 x 4096 x 4096.
constexpr TensorForm kTensorForms[] = {
    {128, 128, 64, 2, 2}, {128, 256, 32, 2, 4}, {128, 128, 32, 2, 4}, {64, 64, 32, 2, 2}};
constexpr TensorForm kWideForms[] = {
    {128, 256, 32, 2, 4}, {128, 128, 64, 2, 2}, {128, 128, 32, 2, 4}, {64, 64, 32, 2, 2}};

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
      double gain = 40;
      for (const TensorForm& form : *type == TensorType::kTf32 ? kWideForms : kTensorForms) {
        TileSizes sizes;
        sizes.rows = form.rows;
        sizes.columns = form.columns;
        sizes.depth = form.depth;
        sizes.warps_down = form.warps_down;
        sizes.warps_across = form.warps_across;
        const auto rewrite = EmitTensorTiles(context, *nest, *plan, *type, sizes);
        auto source = rewrite ? ReplaceKernel(context, *nest, *rewrite) : std::nullopt;
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Multiply tiles of " + std::to_string(form.rows) + " x " +
                             std::to_string(form.columns) + " of " + nest->kernel +
                             " on the tensor cores, fed by asynchronous copies.",
                         EditKind::kStrategy, gain});
        gain *= 0.85;
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTensorCoresSkill() { return std::make_unique<TensorCoresSkill>(); }

}  // namespace ks
