// Skill vectorize_pragma: tells the compiler what the dependence test knows.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class VectorizePragmaSkill final : public Skill {
 public:
  std::string name() const override { return "vectorize_pragma"; }
  std::string_view summary() const override {
    return "Mark an innermost loop whose iterations are independent (`GCC ivdep`), or a sum "
           "(`omp simd reduction`), or ask for unrolling. Lets the compiler vectorise without "
           "alias checks; a reduction needs a tolerance that admits reordering.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (!loop.IsInnermost() || !loop.pragmas.empty() || HasOpenMp(loop)) continue;
      if (HasJumps(loop.body)) continue;
      AddFor(kernel, site, edits);
    }
    return edits;
  }

 private:
  static void AddFor(const KernelContext& kernel, const KernelContext::Site& site,
                     std::vector<Edit>& edits) {
    const Loop& loop = *site.loop;
    const double gain = kernel.features().vector_bits == 0 ? 1.3 : 1.05;
    const Dependence dependence = site.function->dependence();
    if (dependence.IsParallel(loop)) {
      Add(kernel, loop, "#pragma GCC ivdep", gain, edits);
    } else if (const std::string list = SumList(kernel, site); !list.empty()) {
      Add(kernel, loop, "#pragma omp simd reduction(" + list + ")", gain * 1.2, edits);
    }
    Add(kernel, loop, "#pragma GCC unroll 4", 1.02, edits);
  }

  // "+:s,t" when sums are all that the loop carries; empty otherwise.
  static std::string SumList(const KernelContext& kernel, const KernelContext::Site& site) {
    const std::vector<Reduction> reductions = ReductionsOf(*site.function->nest, *site.loop);
    if (!kernel.MayReassociate() || reductions.empty()) return "";
    std::string list;
    for (const Reduction& reduction : reductions) {
      if (reduction.op != "+") return "";
      list += (list.empty() ? "+:" : ",") + reduction.accumulator->name;
    }
    return site.function->dependence().IsParallelExcept(*site.loop, reductions) ? list : "";
  }

  static void Add(const KernelContext& kernel, const Loop& loop, const std::string& pragma,
                  double gain, std::vector<Edit>& edits) {
    Rewriter rewriter(kernel.tree());
    rewriter.Insert(loop.node.begin(),
                    "\n" + pragma + "\n" + std::string(IndentOf(loop.node), ' '));
    std::string source = rewriter.Apply();
    if (pragma.find("omp") != std::string::npos && !kernel.HasFlag("-fopenmp-simd")) {
      BuildDirectives directives = kernel.directives();
      directives.flags.emplace_back("-fopenmp-simd");
      source = WithBuildDirectives(source, directives);
    }
    edits.push_back({std::move(source), fmt::format("Put '{}' before {}.", pragma, Describe(loop)),
                     EditKind::kMicro, gain});
  }
};

}  // namespace

std::unique_ptr<Skill> NewVectorizePragmaSkill() {
  return std::make_unique<VectorizePragmaSkill>();
}

}  // namespace ks
