// Skill prefetch: asks for strided or scattered elements some iterations ahead.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class PrefetchSkill final : public Skill {
 public:
  std::string name() const override { return "prefetch"; }
  std::string_view summary() const override {
    return "Prefetch an element that a loop walks with a large stride some iterations ahead; the "
           "distance is a parameter. A prefetch beyond the end of a buffer is harmless. Helps "
           "latency-bound walks that the hardware does not predict; costs an instruction.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (!loop.IsInnermost() || HasOpenMp(loop)) continue;
      const Effects effects = EffectsOf(*site.function->function, loop.body);
      for (const Access& access : effects.accesses) {
        if (!access.read || !access.node.Is("subscript_expression")) continue;
        if (!IsStrided(access, loop) || !IsPlainIndex(site, access)) continue;
        edits.push_back(
            {Write(kernel, site, access),
             fmt::format("Prefetch {} ahead in {}.", access.node.text(), Describe(loop)),
             EditKind::kMicro, 1.04});
      }
    }
    return edits;
  }

 private:
  static bool IsStrided(const Access& access, const Loop& loop) {
    const std::optional<Poly> stride = access.index.Stride(loop.variable->symbol);
    return stride && !stride->IsZero() && !stride->AsConstant() && access.base->is_parameter;
  }

  // The index reads no memory and names nothing that the body declares.
  static bool IsPlainIndex(const KernelContext::Site& site, const Access& access) {
    for (Node node : access.node.Subtree()) {
      if (node != access.node && node.Is("subscript_expression")) return false;
      const Decl* decl = node.Is("identifier") ? site.function->function->Resolve(node) : nullptr;
      if (decl != nullptr && site.loop->body.Contains(decl->node)) return false;
    }
    return true;
  }

  static std::string Write(const KernelContext& kernel, const KernelContext::Site& site,
                           const Access& access) {
    Rewriter rewriter(kernel.tree());
    const Loop& loop = *site.loop;
    const std::string ahead = rewriter.AddTunable("kAhead", 8, {2, 4, 8, 16, 32});
    const std::string address =
        TextWith(*site.function->function, access.node,
                 {{loop.variable, fmt::format("({} + {})", loop.name(), ahead)}});
    const std::string prefetch = fmt::format("__builtin_prefetch(&{});\n", address);
    rewriter.ReplaceStatement(loop.body, "{\n" + prefetch + loop.BodyText() + "}");
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewPrefetchSkill() { return std::make_unique<PrefetchSkill>(); }

}  // namespace ks
