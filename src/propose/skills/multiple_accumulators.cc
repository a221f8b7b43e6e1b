// Skill multiple_accumulators: splits the reductions of an innermost loop over several independent
// accumulators.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class MultipleAccumulatorsSkill final : public Skill {
 public:
  std::string name() const override { return "multiple_accumulators"; }
  std::string_view summary() const override {
    return "A sum, product, maximum or minimum over an innermost loop waits for itself in every "
           "step. Keep an array of partial results, one a lane, and fold them at the end: hides "
           "latency and lets the compiler vectorise. Reorders sums; needs the tolerance for it.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (!loop.IsInnermost() || loop.step != "1" || HasOpenMp(loop) || HasJumps(loop.body)) {
        continue;
      }
      const std::vector<Reduction> reductions = UsableReductions(kernel, site);
      if (reductions.empty()) continue;
      if (!site.function->dependence().IsParallelExcept(loop, reductions)) continue;
      const Effects effects = EffectsOf(*site.function->function, loop.body);
      const StrideCount strides = CountStrides(effects.accesses, loop.variable->symbol);
      const bool neighbours = strides.strided + strides.unknown == 0;
      const double gain = !neighbours ? 1.4 : InLanesAlready(kernel) ? 1.3 : 3.0;
      const int64_t best = neighbours ? 32 : 4;
      for (int64_t lanes : {best, int64_t{8}}) {
        edits.push_back(
            {Write(kernel, site, reductions, lanes),
             fmt::format("Split the reduction of {} over {} accumulators.", Describe(loop), lanes),
             EditKind::kStructure, lanes == best ? gain : gain * 0.9});
      }
    }
    return edits;
  }

 private:
  // The compiler was allowed to reorder and did: what is left to gain is latency.
  static bool InLanesAlready(const KernelContext& kernel) {
    return kernel.HasFlag("-ffast-math") && kernel.features().vector_bits > 0;
  }

  static std::vector<Reduction> UsableReductions(const KernelContext& kernel,
                                                 const KernelContext::Site& site) {
    std::vector<Reduction> usable;
    for (const Reduction& reduction : ReductionsOf(*site.function->nest, *site.loop)) {
      const bool exact = reduction.op == "max" || reduction.op == "min";
      if (!exact && !kernel.MayReassociate()) return {};
      if (!IsPlainScalarType(reduction.accumulator->type)) return {};
      for (const Reduction& other : usable) {
        if (other.accumulator == reduction.accumulator) return {};
      }
      usable.push_back(reduction);
    }
    return usable;
  }

  static std::string Write(const KernelContext& kernel, const KernelContext::Site& site,
                           const std::vector<Reduction>& reductions, int64_t width) {
    const Loop& loop = *site.loop;
    const Function& function = *site.function->function;
    Rewriter rewriter(kernel.tree());
    const std::string lanes =
        rewriter.AddTunable("kAccumulators", width, {2, 4, 8, 16, 32, 64, 128});
    const std::string lane = rewriter.FreshName("lane");
    const std::string first = rewriter.FreshName(loop.name() + "_first");
    const std::string end = rewriter.FreshName(loop.name() + "_end");
    std::map<const Decl*, std::string> replacements = {
        {loop.variable, fmt::format("({} + {})", first, lane)}};
    std::string declarations, neutral, fold;
    for (const Reduction& reduction : reductions) {
      const Decl* decl = reduction.accumulator;
      const std::string array = rewriter.FreshName(decl->name + "_lanes");
      const std::string element = fmt::format("{}[{}]", array, lane);
      declarations += fmt::format("{} {}[{}];\n", decl->type, array, lanes);
      neutral += fmt::format("{} = {};\n", element, NeutralOf(reduction));
      fold += FoldText(reduction, decl->name, element);
      replacements[decl] = element;
    }
    const std::string text =
        "{\n" + declarations + ForText("int64_t", lane, "0", lanes, "1", neutral) +
        fmt::format("const {} {} = {};\n", loop.type, end, WholeStepsText(loop, lanes)) +
        ForText(loop.type, first, loop.LowText(), end, lanes,
                ForText("int64_t", lane, "0", lanes, "1",
                        LaneBody(function, loop, reductions, replacements))) +
        ForText("int64_t", lane, "0", lanes, "1", fold) +
        ForText(loop.type, loop.name(), end, loop.HighText(), "1", loop.BodyText()) + "}\n";
    rewriter.ReplaceStatement(loop.node, text);
    return rewriter.Apply();
  }

  // The body with reductions written as folds (a select instead of a branch).
  static std::string LaneBody(const Function& function, const Loop& loop,
                              const std::vector<Reduction>& reductions,
                              const std::map<const Decl*, std::string>& replacements) {
    std::string out;
    for (Node statement : loop.Statements()) {
      const auto found = std::find_if(reductions.begin(), reductions.end(),
                                      [&](const Reduction& r) { return r.statement == statement; });
      if (found != reductions.end()) {
        out += FoldText(*found, replacements.at(found->accumulator),
                        TextWith(function, found->value, replacements));
      } else {
        out += TextWith(function, statement, replacements) + "\n";
      }
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<Skill> NewMultipleAccumulatorsSkill() {
  return std::make_unique<MultipleAccumulatorsSkill>();
}

}  // namespace ks
