// Skill contraction_microkernel: sums of products through packed panels and a register tile.
#include "propose/skills/skills.h"
#include "propose/vector/contraction.h"

namespace ks {
namespace {

class ContractionMicrokernelSkill final : public Skill {
 public:
  std::string name() const override { return "contraction_microkernel"; }
  std::string_view summary() const override {
    return "A nest that sums products of two factors (matrix products in any layout, batched, "
           "convolutions): both factors are packed into panels, a register tile of rows x vectors "
           "runs over them, depth and columns are blocked for the caches. Sums are reordered; "
           "packing costs scratch and time for very small sizes.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    if (!kernel.MayReassociate()) return edits;
    const auto ir = BuildKernelIr(kernel.tree(), kernel.task().entry);
    if (!ir) return edits;
    std::vector<const IrStmt*> nests;
    ForEachStmt(ir->body, [&](const IrStmt& s) {
      const bool inside = !nests.empty() && s.begin < nests.back()->end;
      if (s.kind == IrStmt::Kind::kFor && !inside) nests.push_back(&s);
    });
    for (const IrStmt* nest : nests) {
      const auto contraction = MatchContraction(*ir, *nest);
      if (!contraction) continue;
      const ContractionBlocks blocks = BlocksFor(kernel.machine());
      edits.push_back(
          {RewriteContraction(kernel.source(), *ir, *contraction, blocks, kernel.machine()),
           "Pack both factors of the sum over " + contraction->depth[0].name +
               " into panels and multiply " + std::to_string(blocks.rows) + " x " +
               std::to_string(blocks.vectors) + " vector tiles in registers.",
           EditKind::kStrategy, 8.0});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<Skill> NewContractionMicrokernelSkill() {
  return std::make_unique<ContractionMicrokernelSkill>();
}

}  // namespace ks
