// Skill narrow_index: counts lanes of constant extent with 32-bit variables.
#include <fmt/format.h>

#include "base/text.h"
#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class NarrowIndexSkill final : public Skill {
 public:
  std::string name() const override { return "narrow_index"; }
  std::string_view summary() const override {
    return "A loop whose bounds are small constants counts with int instead of int64_t: index "
           "vectors and comparisons take half the register. Refused for bounds that are not known "
           "when compiling, since sizes may exceed 31 bits.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    Rewriter rewriter(kernel.tree());
    int changed = 0;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (loop.type != "int64_t" || HasOpenMp(loop)) continue;
      if (!IsSmall(kernel, *site.function->function, loop.low) ||
          !IsSmall(kernel, *site.function->function, loop.high)) {
        continue;
      }
      rewriter.Replace(loop.variable->node.Child("type"), "int");
      ++changed;
    }
    if (changed == 0) return {};
    return {{rewriter.Apply(), "Count loops of constant extent with int.", EditKind::kMicro, 1.02}};
  }

 private:
  // A number, or a constant of this file, so small that products of three fit.
  static bool IsSmall(const KernelContext& kernel, const Function& function, Node bound) {
    const Node node = bound.Unwrapped();
    std::optional<int64_t> value = function.ValueOf(node).AsConstant();
    if (!value && node.Is("identifier") && function.Resolve(node) == nullptr) {
      for (const Tunable& tunable : TunablesOf(kernel.tree())) {
        if (tunable.name == node.text()) value = tunable.value;
      }
    }
    return value && *value >= 0 && *value <= 1024;
  }
};

}  // namespace

std::unique_ptr<Skill> NewNarrowIndexSkill() { return std::make_unique<NarrowIndexSkill>(); }

}  // namespace ks
