// Skill branch_to_select: turns `if (c) x = e;` in an inner loop into `x = c ? e : x;`.
#include <fmt/format.h>

#include <algorithm>

#include "propose/skills/common.h"
#include "propose/skills/skills.h"

namespace ks {
namespace {

class BranchToSelectSkill final : public Skill {
 public:
  std::string name() const override { return "branch_to_select"; }
  std::string_view summary() const override {
    return "A branch in an innermost loop that only assigns becomes selects: no misprediction, and "
           "the loop can vectorise. Refused when the taken side reads memory that the condition "
           "guards, or divides. Costs the assignment on every step.";
  }

  std::vector<Edit> Edits(const KernelContext& kernel) const override {
    std::vector<Edit> edits;
    for (const KernelContext::Site& site : kernel.loops()) {
      if (!site.loop->IsInnermost() || HasOpenMp(*site.loop)) continue;
      Rewriter rewriter(kernel.tree());
      int changed = 0;
      for (Node node : site.loop->body.Subtree()) {
        if (!node.Is("if_statement")) continue;
        const std::string text = AsSelects(site, node, rewriter);
        if (text.empty()) continue;
        rewriter.ReplaceStatement(node, text);
        ++changed;
      }
      if (changed == 0) continue;
      edits.push_back({rewriter.Apply(),
                       fmt::format("Turn branches of {} into selects.", Describe(*site.loop)),
                       EditKind::kStructure, 1.5});
    }
    return edits;
  }

 private:
  static Node ConditionOf(Node statement) {
    Node condition = statement.Child("condition");
    if (condition.Is("condition_clause")) condition = condition.Child("value");
    return condition;
  }

  // Reads of buffers that the condition does not make as well could be out of bounds.
  static bool IsSafe(const KernelContext::Site& site, Node value, Node condition) {
    const Effects effects = EffectsOf(*site.function->function, value);
    if (!effects.understood || !effects.calls.empty()) return false;
    for (const Access& access : effects.accesses) {
      if (access.write) return false;
      if (access.base->kind == DeclKind::kArray) continue;
      if (condition.text().find(access.node.text()) == std::string_view::npos) return false;
    }
    const std::vector<Node> nodes = value.Subtree();
    return std::none_of(nodes.begin(), nodes.end(), [](Node node) {
      const std::string_view op = node.Child("operator").text();
      return node.Is("update_expression") ||
             (node.Is("binary_expression") && (op == "/" || op == "%"));
    });
  }

  static std::string AsSelects(const KernelContext::Site& site, Node statement,
                               Rewriter& rewriter) {
    const Node condition = ConditionOf(statement);
    const Node then = statement.Child("consequence");
    if (statement.Child("alternative") || condition.text().empty()) return "";
    if (!condition.Unwrapped().Is("binary_expression")) return "";
    const std::vector<Node> statements =
        then.Is("compound_statement") ? then.NamedChildren() : std::vector<Node>{then};
    const std::string take = rewriter.FreshName("take");
    std::string out = fmt::format("const bool {} = {};\n", take, condition.text());
    for (Node each : statements) {
      if (!each.Is("expression_statement") || each.NamedChildren().size() != 1) return "";
      const Node assignment = each.NamedChildren()[0];
      if (!assignment.Is("assignment_expression")) return "";
      if (assignment.Child("operator").text() != "=") return "";
      const Node target = assignment.Child("left").Unwrapped();
      if (!IsPlainTarget(site, target)) return "";
      if (!IsSafe(site, assignment.Child("right"), condition)) return "";
      out += fmt::format("{0} = {1} ? {2} : {0};\n", target.text(), take,
                         assignment.Child("right").text());
    }
    return statements.empty() ? "" : "{\n" + out + "}\n";
  }

  // A local scalar, or an element of a local array.
  static bool IsPlainTarget(const KernelContext::Site& site, Node target) {
    const Function& function = *site.function->function;
    if (target.Is("identifier")) {
      const Decl* decl = function.Resolve(target);
      return decl != nullptr && decl->kind == DeclKind::kScalar && IsPlainScalarType(decl->type);
    }
    const std::optional<Address> address = function.AddressOfElement(target);
    return address && address->base->kind == DeclKind::kArray &&
           IsPlainScalarType(address->base->type);
  }
};

}  // namespace

std::unique_ptr<Skill> NewBranchToSelectSkill() { return std::make_unique<BranchToSelectSkill>(); }

}  // namespace ks
