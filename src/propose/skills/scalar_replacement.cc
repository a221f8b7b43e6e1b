// Skill scalar_replacement: keeps an array element that a loop updates in a local variable.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class ScalarReplacementSkill final : public Skill {
 public:
  std::string name() const override { return "scalar_replacement"; }
  std::string_view summary() const override {
    return "An array element that an inner loop updates again and again (c[i] += ...) is loaded "
           "once, kept in a local, and stored once. Needs an index that does not change in the "
           "loop and no other access to the array there.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (HasOpenMp(loop) || HasJumps(loop.body)) continue;
      const Effects effects = EffectsOf(*site.function->function, loop.body);
      if (!effects.understood || !site.function->distinct_arguments) continue;
      for (const Access& access : effects.accesses) {
        if (!access.write || !IsReplaceable(site, effects, access)) continue;
        edits.push_back(
            {Write(kernel, site, effects, access),
             fmt::format("Keep {} in a local during {}.", access.node.text(), Describe(loop)),
             EditKind::kStructure, 1.3});
        break;
      }
    }
    return edits;
  }

 private:
  static bool IsReplaceable(const KernelContext::Site& site, const Effects& effects,
                            const Access& access) {
    const std::string& type = access.base->type;
    if (!IsPlainScalarType(type) || effects.declared.count(access.base) != 0) return false;
    if (!IsUniformExpression(*site.function->function, access.node.Child("argument"),
                             site.loop->body, {site.loop->variable}) ||
        !IsUniformExpression(*site.function->function, SubscriptIndex(access.node), site.loop->body,
                             {site.loop->variable})) {
      return false;
    }
    for (Node node : access.node.Subtree()) {  // variables of loops inside would be out of scope
      const Decl* decl = node.Is("identifier") ? site.function->function->Resolve(node) : nullptr;
      if (decl != nullptr && site.loop->node.Contains(decl->node)) return false;
    }
    bool updated = false;
    for (const Access& other : effects.accesses) {
      if (other.base != access.base) continue;
      if (other.node.text() != access.node.text()) return false;
      updated = updated || other.read;
    }
    return updated;
  }

  static std::string Write(const KernelContext& kernel, const KernelContext::Site& site,
                           const Effects& effects, const Access& access) {
    const Loop& loop = *site.loop;
    Rewriter rewriter(kernel.tree());
    const std::string local = rewriter.FreshName(access.base->name + "_value");
    std::vector<std::pair<Node, std::string>> uses;
    for (const Access& other : effects.accesses) {
      if (other.base == access.base) uses.emplace_back(other.node, local);
    }
    const std::string element(access.node.text());
    rewriter.ReplaceStatement(
        loop.node, fmt::format("if ({} < {}) {{\n{} {} = {};\n{}\n{} = {};\n}}\n", loop.LowText(),
                               loop.HighText(), access.base->type, local, element,
                               TextWithNodes(loop.node, uses), element, local));
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewScalarReplacementSkill() {
  return std::make_unique<ScalarReplacementSkill>();
}

}  // namespace ks
