// InteriorTests: blocks of lanes that touch no border.
#include <functional>

#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

bool MentionsAny(const IrExprPtr& e, const std::set<std::string>& names) {
  for (const std::string& name : NamesIn(e)) {
    if (names.count(name) > 0) return true;
  }
  return false;
}

// `term` as difference >= 0.
std::optional<Polynomial> Difference(const IrExprPtr& term) {
  if (term->kind != IrExpr::Kind::kBinary || term->args[0]->type != IrType::kInt ||
      term->args[1]->type != IrType::kInt || MayWrapAround(term)) {
    return std::nullopt;
  }
  const Polynomial left = Polynomial::Of(term->args[0]);
  const Polynomial right = Polynomial::Of(term->args[1]);
  const Polynomial one = Polynomial::Of(MakeNumber(1));
  if (term->text == ">=") return left - right;
  if (term->text == ">") return left - right - one;
  if (term->text == "<=") return right - left;
  if (term->text == "<") return right - left - one;
  return std::nullopt;
}

// The smallest value over the lanes of a block and the loops inside it, as C++.
std::optional<std::string> Smallest(Polynomial form, const IrStmt& loop,
                                    const std::vector<const IrStmt*>& around,
                                    const std::set<std::string>& unusable) {
  for (auto inner = around.rbegin(); inner != around.rend(); ++inner) {
    const auto stride = form.StrideOf((*inner)->name);
    const auto step = stride ? stride->Constant() : std::nullopt;
    if (!step) return std::nullopt;
    if (*step == 0) continue;
    const Polynomial end = *step > 0
                               ? Polynomial::Of((*inner)->low)
                               : Polynomial::Of((*inner)->high) - Polynomial::Of(MakeNumber(1));
    form = form.Without((*inner)->name) + *stride * end;
  }
  const auto stride = form.StrideOf(loop.name);
  const auto step = stride ? stride->Constant() : std::nullopt;
  if (!step) return std::nullopt;
  const Polynomial rest = form.Without(loop.name);
  for (const std::string& name : unusable) {
    if (!rest.IndependentOf(name)) return std::nullopt;
  }
  const std::string lane = *step > 0 ? loop.name : "(" + loop.name + " + U * kLanes - 1)";
  return std::to_string(*step) + " * " + lane + " + (" + rest.ToText() + ")";
}

}  // namespace

std::vector<IrExprPtr> Conjuncts(const IrExprPtr& condition) {
  if (condition->kind != IrExpr::Kind::kBinary || condition->text != "&&") return {condition};
  std::vector<IrExprPtr> parts = Conjuncts(condition->args[0]);
  for (IrExprPtr& part : Conjuncts(condition->args[1])) parts.push_back(std::move(part));
  return parts;
}

std::vector<std::string> InteriorTests(const IrStmt& loop, const std::set<std::string>& varying,
                                       const std::set<std::string>& unusable) {
  std::vector<std::string> tests;
  std::vector<const IrStmt*> around;
  bool ok = true;
  const std::function<void(const std::vector<IrStmt>&)> visit =
      [&](const std::vector<IrStmt>& body) {
        for (const IrStmt& s : body) {
          if (s.kind == IrStmt::Kind::kIf && MentionsAny(s.condition, varying)) {
            ok = ok && s.other.empty();
            for (const IrExprPtr& part : Conjuncts(s.condition)) {
              if (!MentionsAny(part, varying)) continue;
              const auto form = Difference(part);
              const auto smallest = form ? Smallest(*form, loop, around, unusable) : std::nullopt;
              ok = ok && smallest;
              if (smallest) tests.push_back(*smallest + " >= 0");
            }
          }
          if (s.kind == IrStmt::Kind::kFor) around.push_back(&s);
          visit(s.body);
          visit(s.other);
          if (s.kind == IrStmt::Kind::kFor) around.pop_back();
        }
      };
  visit(loop.body);
  if (!ok) tests.clear();
  return tests;
}

}  // namespace ks
