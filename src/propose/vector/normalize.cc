// NormalizeReductions: conditional extrema as max/min, array accumulators as locals.
#include "propose/vector/affine_form.h"
#include "propose/vector/vector_plan.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

IrExprPtr Extremum(bool maximum, const IrExprPtr& a, const IrExprPtr& b) {
  IrExpr call;
  call.kind = EKind::kCall;
  call.text = maximum ? "max" : "min";
  call.spelled = maximum ? "std::max<float>" : "std::min<float>";
  call.args = {a, b};
  call.type = IrType::kFloat;
  return std::make_shared<IrExpr>(std::move(call));
}

// `condition` says that `candidate` beats `name`: +1 greater, -1 smaller, 0 neither.
int Beats(const IrExprPtr& condition, const IrExprPtr& candidate, const IrExprPtr& name) {
  if (condition->kind != EKind::kBinary) return 0;
  const bool forward =
      SameExpr(condition->args[0], candidate) && SameExpr(condition->args[1], name);
  const bool backward =
      SameExpr(condition->args[0], name) && SameExpr(condition->args[1], candidate);
  if (!forward && !backward) return 0;
  if (condition->text == ">" || condition->text == ">=") return forward ? 1 : -1;
  if (condition->text == "<" || condition->text == "<=") return forward ? -1 : 1;
  return 0;
}

void ExtremumFromIf(IrStmt& s) {
  if (s.kind != SKind::kIf || !s.other.empty() || s.body.size() != 1) return;
  const IrStmt& inner = s.body[0];
  if (inner.kind != SKind::kAssign || inner.op != "=" || inner.target->kind != EKind::kName ||
      inner.target->type != IrType::kFloat) {
    return;
  }
  const int sign = Beats(s.condition, inner.value, inner.target);
  if (sign == 0) return;
  IrStmt next = inner;
  next.value = Extremum(sign > 0, inner.target, inner.value);
  s = std::move(next);
}

void ExtremumFromSelect(IrStmt& s) {
  if (s.kind != SKind::kAssign || s.op != "=" || s.value->kind != EKind::kSelect ||
      s.target->kind != EKind::kName || s.target->type != IrType::kFloat) {
    return;
  }
  const IrExpr& select = *s.value;
  const bool kept_last = SameExpr(select.args[2], s.target);  // e > m ? e : m
  const IrExprPtr other = select.args[kept_last ? 1 : 2];
  if (!SameExpr(select.args[kept_last ? 2 : 1], s.target)) return;
  const int sign = Beats(select.args[0], other, s.target) * (kept_last ? 1 : -1);
  if (sign != 0) s.value = Extremum(sign > 0, s.target, other);
}

// Names that `body` declares: an index that uses one cannot leave the loop.
std::set<std::string> Declared(const IrStmt& loop) {
  std::set<std::string> names = {loop.name};
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (s.kind == SKind::kDecl || s.kind == SKind::kFor) names.insert(s.name);
  });
  return names;
}

struct Accumulator {
  std::string array;
  IrExprPtr index;
};

// The one array element that `loop` updates and does not move.
std::optional<Accumulator> FindAccumulator(const IrStmt& loop) {
  if (HasOpaque(loop.body)) return std::nullopt;
  const std::set<std::string> declared = Declared(loop);
  std::optional<Accumulator> found;
  bool ok = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (s.kind != SKind::kAssign || s.target->kind != EKind::kIndex) return;
    ok = ok && !found;
    found = Accumulator{s.target->text, s.target->args[0]};
    ok = ok && s.target->type == IrType::kFloat;
    for (const std::string& name : NamesIn(s.target->args[0])) ok = ok && !declared.count(name);
  });
  if (!found || !ok) return std::nullopt;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      ForEachExpr(e, [&](const IrExpr& x) {
        if (x.kind == EKind::kIndex && x.text == found->array) {
          ok = ok && SameExpr(x.args[0], found->index);
        }
      });
    }
  });
  return ok ? found : std::nullopt;
}

IrExprPtr ReplaceElement(const IrExprPtr& e, const std::string& array, const IrExprPtr& by) {
  if (!e) return e;
  if (e->kind == EKind::kIndex && e->text == array) return by;
  IrExpr copy = *e;
  for (IrExprPtr& a : copy.args) a = ReplaceElement(a, array, by);
  return std::make_shared<IrExpr>(std::move(copy));
}

void ReplaceElementIn(std::vector<IrStmt>& body, const std::string& array, const IrExprPtr& by) {
  for (IrStmt& s : body) {
    for (IrExprPtr* e : {&s.target, &s.value, &s.low, &s.high, &s.condition}) {
      *e = ReplaceElement(*e, array, by);
    }
    ReplaceElementIn(s.body, array, by);
    ReplaceElementIn(s.other, array, by);
  }
}

// for (...) { a[i] += e; }  ->  { float sum = a[i]; for (...) sum += e; a[i] = sum; }
IrStmt Localized(const KernelIr& kernel, IrStmt loop, const Accumulator& accumulator) {
  IrStmt block;
  block.kind = SKind::kBlock;
  block.begin = loop.begin;
  block.end = loop.end;
  const IrExprPtr element = MakeIndex(accumulator.array, accumulator.index, IrType::kFloat);
  const IrExprPtr local = MakeName("sum_of_" + accumulator.array, IrType::kFloat);
  IrStmt load;
  load.kind = SKind::kDecl;
  load.name = local->text;
  load.cpp_type = kernel.ElementOf(accumulator.array);
  load.type = IrType::kFloat;
  load.value = element;
  IrStmt store;
  store.kind = SKind::kAssign;
  store.target = element;
  store.op = "=";
  store.value = local;
  ReplaceElementIn(loop.body, accumulator.array, local);
  block.body = {std::move(load), std::move(loop), std::move(store)};
  return block;
}

bool SameElement(const IrExprPtr& a, const IrExprPtr& b) {
  return a && b && a->kind == EKind::kIndex && b->kind == EKind::kIndex && a->text == b->text &&
         Polynomial::Of(a->args[0]) == Polynomial::Of(b->args[0]);
}

// float m = a[0]; for (j = 1; ...) m = max(m, a[j])  ->  ... for (j = 0; ...): taking the element
// in twice changes nothing, and whole rows fit the vectors better than rows without their head.
void StartAtHead(std::vector<IrStmt>& body, size_t at) {
  IrStmt& loop = body[at];
  if (loop.kind != SKind::kFor || loop.body.size() != 1 || loop.low->kind != EKind::kNumber) return;
  if (loop.low->text != "1") return;
  const IrStmt& update = loop.body[0];
  if (update.kind != SKind::kAssign || update.op != "=" || update.target->kind != EKind::kName ||
      update.value->kind != EKind::kCall ||
      (update.value->text != "max" && update.value->text != "min")) {
    return;
  }
  const std::string& name = update.target->text;
  const IrExprPtr operand = ReductionOperand(update, name);
  if (!operand || Mentions(operand, name)) return;
  const IrExprPtr head = Substitute(operand, {{loop.name, MakeNumber(0)}});
  for (size_t i = at; i-- > 0 && body[i].kind == SKind::kDecl;) {
    if (body[i].name != name) continue;
    if (SameElement(body[i].value, head)) loop.low = MakeNumber(0);
    return;
  }
}

}  // namespace

void NormalizeReductions(const KernelIr& kernel, std::vector<IrStmt>& body) {
  for (IrStmt& s : body) {
    ExtremumFromIf(s);
    ExtremumFromSelect(s);
    if (s.kind == SKind::kFor) {
      if (const auto accumulator = FindAccumulator(s)) s = Localized(kernel, s, *accumulator);
    }
    NormalizeReductions(kernel, s.body);
    NormalizeReductions(kernel, s.other);
  }
  for (size_t i = 0; i < body.size(); ++i) StartAtHead(body, i);
}

}  // namespace ks
