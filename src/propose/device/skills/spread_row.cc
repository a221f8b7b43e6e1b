// Skill spread_row: a few rows, too long for a block, are kept on the chip by all blocks together.
#include <algorithm>

#include "propose/device/skills.h"
#include "propose/device/split_phases.h"
#include "propose/device/spread_emit.h"

namespace ks {
namespace {

// A row of so many elements is better shared by the threads of one block.
constexpr int64_t kShortRow = 32768;

class SpreadRowSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "spread_row"; }
  std::string_view summary() const override {
    return "Few rows, each longer than a block can keep, are read again by every loop over them. "
           "Share each row among blocks on all multiprocessors, which keep their parts in shared "
           "memory and exchange sums through memory: rows are read once. All blocks are resident "
           "(a cooperative launch); two groups of them take turns in waiting.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<Edit> edits;
    if (!context.IsCuda()) return edits;
    for (const DeviceKernel& kernel : context.kernels()) {
      const std::optional<VirtualNest> nest = BuildVirtualNest(context, kernel);
      const std::optional<RowPlan> plan = nest ? PlanRow(*nest) : std::nullopt;
      const auto rows = nest ? PlanExtent(*nest, nest->grid) : std::nullopt;
      if (!plan || !rows || plan->row_extent.empty()) continue;
      const int64_t length = LargestGrid(context, plan->row_extent);
      if (length > 0 && length < kShortRow) continue;
      if (LargestGrid(context, *rows) > context.device().sm_count * int64_t{16}) continue;
      double gain = 12;
      for (const int groups : {2, 1, 3}) {
        auto source = WithSpreadRows(context, *nest, *plan, groups);
        if (!source) continue;
        edits.push_back({*std::move(source),
                         "Keep each row of " + kernel.name +
                             " in the shared memory of all blocks, " + std::to_string(groups) +
                             " a multiprocessor.",
                         EditKind::kStrategy, gain});
        gain *= 0.8;
      }
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewSpreadRowSkill() { return std::make_unique<SpreadRowSkill>(); }

}  // namespace ks
