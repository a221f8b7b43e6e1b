// Skill share_row: a kernel with one thread a row gets a warp, a block or a column of threads a
// row.
#include "propose/device/row_emit.h"
#include "propose/device/skills.h"
#include "propose/device/tile_plan.h"

namespace ks {
namespace {

class ShareRowSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "share_row"; }
  std::string_view summary() const override {
    return "A thread that walks a whole row reads it alone and uncoalesced. Share the row among a "
           "warp or a block: each loop strides over the threads, sums and extrema are combined by "
           "shuffles or in shared memory, and a row that is read again stays in registers. Where "
           "neighbouring rows lie side by side, threads share each row along the other axis.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      const std::optional<RowPlan> plan = nest ? PlanRow(*nest) : std::nullopt;
      if (!plan) continue;
      if (nest->cooperative) {
        // A block shares the row already: what remains is shuffles and registers.
        Add(context, *nest, *plan, {RowScheme::kBlock, true}, 1.8, edits);
        Add(context, *nest, *plan, {RowScheme::kWarp, true}, 1.6, edits);
        Add(context, *nest, *plan, {RowScheme::kWarp, false}, 1.3, edits);
        Add(context, *nest, *plan, {RowScheme::kBlock, false}, 1.2, edits);
      } else if (PlanTiles(*nest)) {
        // Rows that share their elements with other rows are for tiles; where outputs are few, a
        // block for each may still be worth a try.
        Add(context, *nest, *plan, {RowScheme::kBlock, false}, 1.02, edits);
      } else if (plan->unit_along_row >= plan->unit_along_grid) {
        Add(context, *nest, *plan, {RowScheme::kBlock, true}, 24, edits);
        Add(context, *nest, *plan, {RowScheme::kWarp, true}, 20, edits);
        Add(context, *nest, *plan, {RowScheme::kBlock, false}, 16, edits);
        Add(context, *nest, *plan, {RowScheme::kWarp, false}, 14, edits);
      } else {
        Add(context, *nest, *plan, {RowScheme::kColumn, false}, 3, edits);
        Add(context, *nest, *plan, {RowScheme::kBlock, false}, 1.2, edits);
      }
    }
    return edits;
  }

 private:
  static void Add(const DeviceContext& context, const VirtualNest& nest, const RowPlan& plan,
                  const RowOptions& options, double gain, std::vector<Edit>& edits) {
    const auto rewrite = EmitRowKernel(context, nest, plan, options);
    if (!rewrite) return;
    auto source = ReplaceKernel(context, nest, *rewrite);
    if (!source) return;
    const char* who = options.scheme == RowScheme::kWarp    ? "a warp"
                      : options.scheme == RowScheme::kBlock ? "a block"
                                                            : "a column of threads";
    std::string why = "Share each row of " + nest.kernel + " among " + who;
    if (options.cache) why += " and keep it in registers between the loops";
    edits.push_back({*std::move(source), why + ".", EditKind::kStrategy, gain});
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewShareRowSkill() { return std::make_unique<ShareRowSkill>(); }

}  // namespace ks
