// Skill loop_interchange: exchanges two perfectly nested loops.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

// Higher is better for the innermost loop: contiguous accesses and values kept in registers.
int Rating(const StrideCount& strides) {
  return 2 * strides.unit + strides.none - 3 * strides.strided - 2 * strides.unknown;
}

class LoopInterchangeSkill final : public Skill {
 public:
  std::string name() const override { return "loop_interchange"; }
  std::string_view summary() const override {
    return "Exchange two perfectly nested loops so that the inner one walks neighbouring elements. "
           "Refused where a dependence would turn around; costs nothing. A nest with a scalar sum "
           "between the loops is lane_strips' business.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& outer = *site.loop;
      const Loop* inner = outer.PerfectChild();
      if (inner == nullptr || HasOpenMp(outer)) continue;
      if (!site.function->dependence().MayInterchange(outer, *inner)) continue;
      const std::vector<Access> accesses = InnermostAccesses(*site.function, *inner);
      const int before = Rating(CountStrides(accesses, inner->variable->symbol));
      const int after = Rating(CountStrides(accesses, outer.variable->symbol));
      Rewriter rewriter(kernel.tree());
      rewriter.ReplaceStatement(outer.node, WithBody(*inner, WithBody(outer, inner->BodyText())));
      const double gain = !inner->IsInnermost() ? 1.05 : after > before ? 2.0 : 1.03;
      edits.push_back({rewriter.Apply(),
                       fmt::format("Exchange {} with the loop over {} inside it.", Describe(outer),
                                   inner->name()),
                       EditKind::kStructure, gain});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<Skill> NewLoopInterchangeSkill() {
  return std::make_unique<LoopInterchangeSkill>();
}

}  // namespace ks
