// Skill hoist_invariants: moves work that does not change out of a loop and makes divisions by an
// invariant multiplications.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class HoistInvariantsSkill final : public Skill {
 public:
  std::string name() const override { return "hoist_invariants"; }
  std::string_view summary() const override {
    return "Calls of mathematical functions whose arguments do not change in a loop are made once "
           "before it; x / s with an unchanging s becomes x * (1 / s) where the tolerance admits "
           "the rounding; pow(x, 2) becomes x * x.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      if (HasOpenMp(*site.loop)) continue;
      AddReciprocals(kernel, site, edits);
      AddCalls(kernel, site, edits);
      AddSquares(kernel, site, edits);
    }
    return edits;
  }

 private:
  static bool IsFloatType(const std::string& type) { return type == "float" || type == "double"; }

  // Divisors in the loop that are scalars which the loop does not change.
  static void AddReciprocals(const KernelContext& kernel, const KernelContext::Site& site,
                             std::vector<Edit>& edits) {
    if (!kernel.MayReassociate()) return;
    const Function& function = *site.function->function;
    if (site.loop->body.text().find('/') == std::string_view::npos) return;
    const Effects effects = EffectsOf(function, site.loop->body);
    std::vector<const Decl*> divisors;  // in the order of the source: runs replay
    for (Node node : site.loop->body.Subtree()) {
      if (!node.Is("binary_expression") || node.Child("operator").text() != "/") continue;
      const Node right = node.Child("right").Unwrapped();
      const Decl* decl = right.Is("identifier") ? function.Resolve(right) : nullptr;
      if (decl != nullptr && decl->kind == DeclKind::kScalar && IsFloatType(decl->type) &&
          !effects.Writes(decl) && !site.loop->node.Contains(decl->node) &&
          std::find(divisors.begin(), divisors.end(), decl) == divisors.end()) {
        divisors.push_back(decl);
      }
    }
    for (const Decl* decl : divisors) {
      Rewriter rewriter(kernel.tree());
      const std::string inverse = rewriter.FreshName("inverse_" + decl->name);
      std::vector<std::pair<Node, std::string>> changes;
      for (Node node : site.loop->body.Subtree()) {
        if (!node.Is("binary_expression") || node.Child("operator").text() != "/") continue;
        const Node right = node.Child("right").Unwrapped();
        if (!right.Is("identifier") || function.Resolve(right) != decl) continue;
        changes.emplace_back(node.Child("operator"), "*");
        changes.emplace_back(node.Child("right"), inverse);
      }
      const std::string text = fmt::format("{{\nconst {0} {1} = {2} / {3};\n{4}\n}}\n", decl->type,
                                           inverse, decl->type == "float" ? "1.0f" : "1.0",
                                           decl->name, TextWithNodes(site.loop->node, changes));
      rewriter.ReplaceStatement(site.loop->node, text);
      edits.push_back({rewriter.Apply(),
                       fmt::format("Multiply by 1 / {} in {}.", decl->name, Describe(*site.loop)),
                       EditKind::kStructure, 1.15});
    }
  }

  static void AddCalls(const KernelContext& kernel, const KernelContext::Site& site,
                       std::vector<Edit>& edits) {
    const Function& function = *site.function->function;
    const Effects effects = EffectsOf(function, site.loop->body);
    if (effects.calls.empty()) return;
    std::set<const Decl*> varying;
    for (const auto& decl : function.decls()) {
      if (site.loop->node.Contains(decl->node) || effects.Writes(decl.get())) {
        varying.insert(decl.get());
      }
    }
    for (Node node : site.loop->body.Subtree()) {
      if (!node.Is("call_expression")) continue;
      const std::string name = PlainCalleeName(node);
      if (!IsPureMathCall(name) || name == "min" || name == "max" || name == "abs") continue;
      bool fixed = true;
      for (Node argument : CallArguments(node)) {
        fixed = fixed && IsUniformExpression(function, argument, site.loop->node, varying);
      }
      if (!fixed) continue;
      Rewriter rewriter(kernel.tree());
      const std::string value = rewriter.FreshName(name + "_value");
      const std::string text = fmt::format("{{\nconst auto {} = {};\n{}\n}}\n", value, node.text(),
                                           TextWithNodes(site.loop->node, {{node, value}}));
      rewriter.ReplaceStatement(site.loop->node, text);
      edits.push_back({rewriter.Apply(),
                       fmt::format("Compute {} once before {}.", node.text(), Describe(*site.loop)),
                       EditKind::kStructure, 1.2});
    }
  }

  static void AddSquares(const KernelContext& kernel, const KernelContext::Site& site,
                         std::vector<Edit>& edits) {
    if (!site.loop->IsInnermost()) return;
    for (Node node : site.loop->body.Subtree()) {
      const std::string name = node.Is("call_expression") ? PlainCalleeName(node) : "";
      if (name != "pow" && name != "powf") continue;
      const std::vector<Node> arguments = CallArguments(node);
      if (arguments.size() != 2 || !arguments[0].Unwrapped().Is("identifier")) continue;
      const std::string exponent(arguments[1].text());
      const std::string base(arguments[0].Unwrapped().text());
      const bool square = exponent == "2" || exponent == "2.0f" || exponent == "2.0";
      const bool cube = exponent == "3" || exponent == "3.0f" || exponent == "3.0";
      if (!square && !cube) continue;
      Rewriter rewriter(kernel.tree());
      rewriter.Replace(
          node, cube ? fmt::format("({0} * {0} * {0})", base) : fmt::format("({0} * {0})", base));
      edits.push_back(
          {rewriter.Apply(), "Multiply instead of calling pow.", EditKind::kStructure, 2.0});
    }
  }
};

}  // namespace

std::unique_ptr<Skill> NewHoistInvariantsSkill() {
  return std::make_unique<HoistInvariantsSkill>();
}

}  // namespace ks
