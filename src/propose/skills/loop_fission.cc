// Skill loop_fission: splits a loop between two of its statements.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class LoopFissionSkill final : public Skill {
 public:
  std::string name() const override { return "loop_fission"; }
  std::string_view summary() const override {
    return "Split a loop in two when its statements are independent from one iteration to the "
           "next: a part that vectorises is freed from one that does not (a sum, a call). Costs a "
           "second pass over what both parts read.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      const Loop& loop = *site.loop;
      if (HasOpenMp(loop) || HasJumps(loop.body)) continue;
      const std::vector<Node> statements = loop.Statements();
      if (statements.size() < 2) continue;
      bool can_cut = false;
      for (size_t cut = 1; cut < statements.size(); ++cut) {
        can_cut = can_cut || CanCut(site, statements, cut);
      }
      if (!can_cut || edits.size() >= kMaxEdits) continue;
      const auto reductions = ReductionsOf(*site.function->nest, loop);
      if (!site.function->dependence().IsParallelExcept(loop, reductions)) continue;
      for (size_t cut = 1; cut < statements.size() && edits.size() < kMaxEdits; ++cut) {
        if (!CanCut(site, statements, cut)) continue;
        edits.push_back({Write(kernel, loop, statements, cut),
                         fmt::format("Split {} before its statement {}.", Describe(loop), cut + 1),
                         EditKind::kStructure, reductions.empty() ? 1.03 : 1.15});
      }
    }
    return edits;
  }

 private:
  static constexpr size_t kMaxEdits = 6;  // a jammed loop has many cuts, all alike

  // No local of the first part is used in the second, and the first part is more than declarations.
  static bool CanCut(const KernelContext::Site& site, const std::vector<Node>& statements,
                     size_t cut) {
    const Function& function = *site.function->function;
    const bool only_declarations =
        std::all_of(statements.begin(), statements.begin() + static_cast<std::ptrdiff_t>(cut),
                    [](Node node) { return node.Is("declaration"); });
    if (only_declarations) return false;
    for (size_t i = cut; i < statements.size(); ++i) {
      for (Node node : statements[i].Subtree()) {
        const Decl* decl = node.Is("identifier") ? function.Resolve(node) : nullptr;
        if (decl == nullptr || decl == site.loop->variable) continue;
        for (size_t j = 0; j < cut; ++j) {
          if (statements[j].Contains(decl->node)) return false;
        }
      }
    }
    return true;
  }

  static std::string Write(const KernelContext& kernel, const Loop& loop,
                           const std::vector<Node>& statements, size_t cut) {
    const std::string& source = kernel.source();
    const auto between = [&](size_t first, size_t last) {
      return source.substr(statements[first].begin(),
                           statements[last].end() - statements[first].begin());
    };
    Rewriter rewriter(kernel.tree());
    const std::string text =
        WithBody(loop, between(0, cut - 1)) + WithBody(loop, between(cut, statements.size() - 1));
    const bool alone = !loop.node.parent().Is("compound_statement");
    rewriter.ReplaceStatement(loop.node, alone ? "{\n" + text + "}\n" : text);
    return rewriter.Apply();
  }
};

}  // namespace

std::unique_ptr<Skill> NewLoopFissionSkill() { return std::make_unique<LoopFissionSkill>(); }

}  // namespace ks
