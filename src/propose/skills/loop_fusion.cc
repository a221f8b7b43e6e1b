// Skill loop_fusion: merges two neighbouring loops over the same range.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class LoopFusionSkill final : public Skill {
 public:
  std::string name() const override { return "loop_fusion"; }
  std::string_view summary() const override {
    return "Two neighbouring innermost loops over the same range become one: what the first writes "
           "or both read passes through cache once. Refused when the second needs a result of a "
           "later iteration of the first.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& first : kernel.loops()) {
      for (const KernelContext::Site& second : kernel.loops()) {
        if (!AreNeighbours(first, second) || !MayFuse(first, second)) continue;
        edits.push_back({Write(kernel, first, second),
                         fmt::format("Merge {} with the loop after it.", Describe(*first.loop)),
                         EditKind::kStructure, 1.15});
      }
    }
    return edits;
  }

 private:
  static bool AreNeighbours(const KernelContext::Site& a, const KernelContext::Site& b) {
    if (a.function != b.function || a.loop->parent != b.loop->parent || a.loop == b.loop) {
      return false;
    }
    const std::vector<Node> siblings = a.loop->node.parent().NamedChildren();
    const auto at = std::find(siblings.begin(), siblings.end(), a.loop->node);
    if (at == siblings.end() || at + 1 == siblings.end() || *(at + 1) != b.loop->node) return false;
    return a.loop->IsInnermost() && b.loop->IsInnermost() && a.loop->step == b.loop->step &&
           a.loop->LowText() == b.loop->LowText() && a.loop->HighText() == b.loop->HighText() &&
           a.loop->type == b.loop->type && !HasOpenMp(*a.loop) && !HasOpenMp(*b.loop) &&
           !HasJumps(a.loop->body) && !HasJumps(b.loop->body);
  }

  static bool MayFuse(const KernelContext::Site& first, const KernelContext::Site& second) {
    const Function& function = *first.function->function;
    const Effects a = EffectsOf(function, first.loop->body);
    const Effects b = EffectsOf(function, second.loop->body);
    if (!a.understood || !b.understood || !first.function->distinct_arguments) return false;
    const auto clash = [](const Effects& writer, const Effects& other) {
      return std::any_of(writer.scalars.begin(), writer.scalars.end(), [&](const ScalarUse& use) {
        return use.write && writer.declared.count(use.decl) == 0 &&
               (other.Reads(use.decl) || other.Writes(use.decl));
      });
    };
    if (clash(a, b) || clash(b, a)) return false;
    for (const Access& left : a.accesses) {
      for (Access right : b.accesses) {
        if (left.base != right.base || (!left.write && !right.write)) continue;
        right.index = right.index.Substitute(second.loop->variable->symbol,
                                             Poly::Symbol(first.loop->variable->symbol));
        if (right.index.Mentions(second.loop->variable->symbol)) return false;
        if (!first.function->dependence().Distinct(left, right, *first.loop, *first.loop)) {
          return false;
        }
      }
    }
    return true;
  }

  static std::string Write(const KernelContext& kernel, const KernelContext::Site& first,
                           const KernelContext::Site& second) {
    Rewriter rewriter(kernel.tree());
    const std::string tail = BodyTextWith(*first.function->function, *second.loop,
                                          {{second.loop->variable, first.loop->variable->name}});
    rewriter.ReplaceStatement(
        first.loop->node,
        WithBody(*first.loop, "{\n" + first.loop->BodyText() + "\n}\n{\n" + tail + "\n}"));
    rewriter.ReplaceStatement(second.loop->node, "");
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewLoopFusionSkill() { return std::make_unique<LoopFusionSkill>(); }

}  // namespace ks
