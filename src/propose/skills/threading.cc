// Skill threading: shares the iterations of an independent outer loop among threads.
#include <fmt/format.h>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class ThreadingSkill final : public Skill {
 public:
  std::string name() const override { return "threading"; }
  std::string_view summary() const override {
    return "Where the task allows more than one core: an outermost loop with independent "
           "iterations runs under `omp parallel for`. Costs the start of the threads on every "
           "call, so that small sizes lose.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    const int threads = kernel.task().max_threads;
    if (threads <= 1) return edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (loop.parent != nullptr || HasOpenMp(loop) || !loop.pragmas.empty()) continue;
      if (!site.function->dependence().IsParallel(loop)) continue;
      Rewriter rewriter(kernel.tree());
      rewriter.Insert(loop.node.begin(),
                      fmt::format("\n#pragma omp parallel for num_threads({})\n{}", threads,
                                  std::string(IndentOf(loop.node), ' ')));
      BuildDirectives directives = kernel.directives();
      if (!kernel.HasFlag("-fopenmp")) directives.flags.emplace_back("-fopenmp");
      edits.push_back({WithBuildDirectives(rewriter.Apply(), directives),
                       fmt::format("Share {} among {} threads.", Describe(loop), threads),
                       EditKind::kStructure, 0.8 * threads});
    }
    return edits;
  }
};

}  // namespace

std::unique_ptr<Skill> NewThreadingSkill() { return std::make_unique<ThreadingSkill>(); }

}  // namespace ks
