#include "propose/vector/vector_plan.h"

#include <algorithm>

#include "propose/vector/affine_form.h"
#include "propose/vector/lane_expr.h"

namespace ks {
namespace {

using EKind = IrExpr::Kind;
using SKind = IrStmt::Kind;

constexpr int64_t kMaxReadStride = 4;

struct Access {
  std::string array;
  Polynomial index;
  bool write = false;
  IrExprPtr place;
};

void CollectReads(const IrExprPtr& expression, std::vector<Access>& out) {
  ForEachExpr(expression, [&](const IrExpr& e) {
    if (e.kind == EKind::kIndex)
      out.push_back({e.text, Polynomial::Of(e.args[0]), false, e.args[0]});
  });
}

std::vector<Access> AccessesIn(const std::vector<IrStmt>& body) {
  std::vector<Access> out;
  ForEachStmt(body, [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      if (s.kind == SKind::kAssign && e == s.target && e->kind == EKind::kIndex) {
        out.push_back({e->text, Polynomial::Of(e->args[0]), true, e->args[0]});
        CollectReads(e->args[0], out);
        if (s.op != "=") {
          out.push_back({e->text, Polynomial::Of(e->args[0]), false, e->args[0]});
        }
      } else {
        CollectReads(e, out);
      }
    }
  });
  return out;
}

std::set<std::string> DeclaredIn(const std::vector<IrStmt>& body) {
  std::set<std::string> names;
  ForEachStmt(body, [&](const IrStmt& s) {
    if (s.kind == SKind::kDecl || s.kind == SKind::kFor) names.insert(s.name);
  });
  return names;
}

bool IsName(const IrExprPtr& e, const std::string& name) {
  return e && e->kind == EKind::kName && e->text == name;
}

// max(name, e) or min(name, e), either order: the other argument.
IrExprPtr OtherArgument(const IrExpr& call, const std::string& name) {
  if (call.kind != EKind::kCall || call.args.size() != 2) return nullptr;
  if (IsName(call.args[0], name)) return call.args[1];
  if (IsName(call.args[1], name)) return call.args[0];
  return nullptr;
}

// The reduction that `s` performs on the scalar it assigns; the added value must not read it.
std::optional<LaneReduction> MatchReduction(const IrStmt& s) {
  if (s.kind != SKind::kAssign || s.target->kind != EKind::kName) return std::nullopt;
  const std::string& name = s.target->text;
  LaneReduction r;
  r.name = name;
  if (s.target->type != IrType::kFloat) return std::nullopt;
  if (s.op == "+=" || s.op == "-=" || s.op == "*=") {
    if (Mentions(s.value, name)) return std::nullopt;
    r.kind = s.op == "*=" ? LaneReduction::Kind::kProduct : LaneReduction::Kind::kSum;
    return r;
  }
  if (s.op != "=") return std::nullopt;
  if (s.value->kind == EKind::kBinary && (s.value->text == "+" || s.value->text == "*")) {
    const bool left = IsName(s.value->args[0], name);
    const IrExprPtr& rest = s.value->args[left ? 1 : 0];
    if ((!left && !IsName(s.value->args[1], name)) || Mentions(rest, name)) return std::nullopt;
    r.kind = s.value->text == "*" ? LaneReduction::Kind::kProduct : LaneReduction::Kind::kSum;
    return r;
  }
  if (s.value->kind == EKind::kCall && (s.value->text == "max" || s.value->text == "min")) {
    const IrExprPtr other = OtherArgument(*s.value, name);
    if (!other || Mentions(other, name)) return std::nullopt;
    r.kind = s.value->text == "max" ? LaneReduction::Kind::kMax : LaneReduction::Kind::kMin;
    return r;
  }
  return std::nullopt;
}

bool Assigns(const IrStmt& s, const std::set<std::string>& names) {
  return s.kind == SKind::kAssign && s.target->kind == EKind::kName &&
         names.count(s.target->text) > 0;
}

bool MentionsIn(const IrStmt& s, const std::string& name) {
  bool mentions = false;
  const auto check = [&](const IrStmt& x) {
    for (const IrExprPtr& e : ExprsOf(x)) mentions = mentions || Mentions(e, name);
  };
  check(s);
  ForEachStmt(s.body, check);
  ForEachStmt(s.other, check);
  return mentions;
}

// Marks `r` as a scan when its running value is read. False: read in a way that is no scan.
bool ClassifyScan(const IrStmt& loop, const std::string& name, LaneReduction& r) {
  std::vector<size_t> mentions;
  std::optional<size_t> update;
  for (size_t i = 0; i < loop.body.size(); ++i) {
    const IrStmt& s = loop.body[i];
    if (!MentionsIn(s, name)) continue;
    mentions.push_back(i);
    if (Assigns(s, {name})) {
      if (update) return mentions.empty();
      update = i;
    }
  }
  if (mentions.size() == 1 || !r.index.empty()) return true;  // plain, or checked by the caller
  if (!update) return true;
  const bool first = *update == mentions.front();
  if (!first && *update != mentions.back()) return false;
  const IrExprPtr operand = ReductionOperand(loop.body[*update], name);
  if (!operand) return false;
  // Everything that the operand needs must be known where the scan is printed.
  for (size_t i = mentions.front(); i < loop.body.size(); ++i) {
    if (loop.body[i].kind == SKind::kDecl && Mentions(operand, loop.body[i].name)) return false;
  }
  r.scan = true;
  r.inclusive = first;
  return true;
}

// Every scalar that the body assigns but does not declare must be a reduction that is read nowhere
// else. False: some is not.
bool CollectReductions(const IrStmt& loop, std::vector<LaneReduction>& out) {
  const std::set<std::string> local = DeclaredIn(loop.body);
  std::map<std::string, LaneReduction> found;
  std::set<const IrStmt*> updates;  // statements that may mention the reduction
  bool ok = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (const auto arg = MatchArgUpdate(s);
        arg && local.count(arg->best) == 0 && local.count(arg->index) == 0) {
      found[arg->best] = {arg->kind, arg->best, arg->index, arg->last_wins};
      updates.insert(&s);
      for (const IrStmt& inner : s.body) updates.insert(&inner);
      return;
    }
    if (updates.count(&s) > 0 || s.kind != SKind::kAssign || s.target->kind != EKind::kName) return;
    if (local.count(s.target->text) > 0) return;
    const auto reduction = MatchReduction(s);
    const auto known = found.find(s.target->text);
    if (!reduction || (known != found.end() && known->second.kind != reduction->kind)) {
      ok = false;
      return;
    }
    found[reduction->name] = *reduction;
    updates.insert(&s);
  });
  for (auto& [name, r] : found) ok = ok && ClassifyScan(loop, name, r);
  std::set<std::string> names;
  for (const auto& [name, r] : found) {
    if (r.scan) continue;
    names.insert(name);
    if (!r.index.empty()) names.insert(r.index);
  }
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (updates.count(&s) > 0) return;
    for (const IrExprPtr& e : ExprsOf(s)) {
      for (const std::string& name : names) ok = ok && !Mentions(e, name);
    }
    ok = ok && !Assigns(s, names);
  });
  for (const auto& [name, r] : found) out.push_back(r);
  return ok;
}

// Written arrays: one index form for all accesses, moving with `variable`.
bool WritesAreSeparate(const std::vector<Access>& accesses, const std::string& variable) {
  for (const Access& write : accesses) {
    if (!write.write) continue;
    const auto stride = write.index.StrideOf(variable);
    if (!stride || stride->IsZero()) return false;
    for (const Access& other : accesses) {
      if (other.array == write.array && !(other.index == write.index)) return false;
    }
  }
  return true;
}

bool LoadableType(const std::string& element) { return element == "float" || element == "int32_t"; }

bool StorableType(const std::string& element) {
  return element == "float" || element == "int32_t" || element == "int64_t";
}

bool AccessFitsLanes(const KernelIr& kernel, const Access& a, const std::string& variable,
                     const std::set<std::string>& varying) {
  if (NeedsGather(a.place, variable, varying)) {
    bool plain = true;  // names, numbers, sums and products of them, 32-bit elements
    ForEachExpr(a.place, [&](const IrExpr& e) {
      plain = plain && e.kind != EKind::kCall && e.kind != EKind::kSelect &&
              (e.kind != EKind::kBinary || e.text == "+" || e.text == "-" || e.text == "*") &&
              (e.kind != EKind::kIndex || kernel.ElementOf(e.text) == "int32_t");
    });
    return plain && !a.write && kernel.ElementOf(a.array) == "float";
  }
  const auto stride = a.index.StrideOf(variable);
  if (!stride) return false;
  if (stride->IsZero()) return !a.write;
  const auto constant = stride->Constant();
  const std::string element = kernel.ElementOf(a.array);
  if (a.write) return constant == 1 && StorableType(element);
  if (constant == 1) return LoadableType(element);
  return constant && *constant >= 1 && *constant <= kMaxReadStride && element == "float";
}

// Functions and operators that have a lane form.
bool HasLaneForm(const IrExpr& e, const std::set<std::string>& varying) {
  bool touches = false;
  for (const IrExprPtr& a : e.args) {
    for (const std::string& name : NamesIn(a)) touches = touches || varying.count(name) > 0;
  }
  if (!touches) return true;
  if (e.kind == EKind::kCall) {
    static const std::set<std::string> kKnown = {"exp",  "log",  "tanh", "sqrt",  "erf",   "abs",
                                                 "max",  "min",  "pow",  "log1p", "sin",   "cos",
                                                 "erfc", "exp2", "log2", "ceil",  "floor", "expm1"};
    if (e.text == "pow") return PowerForm(e) != Power::kNone;
    return kKnown.count(e.text) > 0;
  }
  // Lanes are signed: a comparison or a conversion of unsigned numbers would be another one.
  const bool compares = e.kind == EKind::kBinary && e.type != IrType::kInt;
  const bool converts = e.kind == EKind::kCast && e.type == IrType::kFloat;
  if ((compares || converts) && std::any_of(e.args.begin(), e.args.end(), [](const IrExprPtr& a) {
        return a->type == IrType::kInt && MayWrapAround(a);
      })) {
    return false;
  }
  if (e.kind == EKind::kBinary && e.type == IrType::kInt) {
    return e.text == "+" || e.text == "-" || e.text == "*";
  }
  if (e.kind == EKind::kBinary) return e.text != "%" && e.text != "<<" && e.text != ">>";
  return true;
}

bool ExpressionsFitLanes(const IrStmt& loop, const std::set<std::string>& varying) {
  bool ok = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    for (const IrExprPtr& e : ExprsOf(s)) {
      ForEachExpr(e, [&](const IrExpr& x) {
        if (x.kind == EKind::kIndex) return;
        ok = ok && HasLaneForm(x, varying) && x.type != IrType::kOther;
      });
    }
    if (s.kind == SKind::kFor) {
      for (const std::string& name : varying) {
        ok = ok && !Mentions(s.low, name) && !Mentions(s.high, name);
      }
    }
  });
  return ok;
}

bool HasLoop(const std::vector<IrStmt>& body) {
  bool found = false;
  ForEachStmt(body, [&](const IrStmt& s) { found = found || s.kind == SKind::kFor; });
  return found;
}

// Stride of the only interesting store decides whether lanes run along the output.
bool StoresAlong(const IrStmt& loop) {
  const std::vector<Access> accesses = AccessesIn(loop.body);
  return std::any_of(accesses.begin(), accesses.end(), [&](const Access& a) {
    const auto stride = a.index.StrideOf(loop.name);
    return a.write && stride && stride->Constant() == 1;
  });
}

void PlanInto(const KernelIr& kernel, const std::vector<IrStmt>& body, VectorPlan& plan) {
  for (const IrStmt& s : body) {
    if (s.kind == SKind::kFor) {
      const auto vector_loop = AnalyzeVectorLoop(kernel, s);
      const bool leaf = !HasLoop(s.body);
      if (vector_loop && ((vector_loop->parallel() && StoresAlong(s)) || leaf)) {
        plan.loops[&s] = *vector_loop;
        continue;
      }
    }
    PlanInto(kernel, s.body, plan);
    PlanInto(kernel, s.other, plan);
  }
}

}  // namespace

IrExprPtr ReductionOperand(const IrStmt& s, const std::string& name) {
  if (s.kind != SKind::kAssign) return nullptr;
  if (s.op == "+=" || s.op == "*=") return s.value;
  if (s.op == "=" && s.value->args.size() == 2) {
    return IsName(s.value->args[0], name) ? s.value->args[1] : s.value->args[0];
  }
  return nullptr;
}

bool NeedsGather(const IrExprPtr& index, const std::string& variable,
                 const std::set<std::string>& varying) {
  const Polynomial form = Polynomial::Of(index);
  if (!form.StrideOf(variable)) return true;
  return std::any_of(varying.begin(), varying.end(), [&](const std::string& name) {
    return name != variable && !form.IndependentOf(name);
  });
}

std::optional<ArgUpdate> MatchArgUpdate(const IrStmt& s) {
  if (s.kind != SKind::kIf || !s.other.empty() || s.body.size() != 2) return std::nullopt;
  if (s.condition->kind != EKind::kBinary) return std::nullopt;
  const IrStmt* value = nullptr;
  const IrStmt* index = nullptr;
  for (const IrStmt& inner : s.body) {
    if (inner.kind != SKind::kAssign || inner.op != "=" || inner.target->kind != EKind::kName) {
      return std::nullopt;
    }
    (inner.target->type == IrType::kFloat ? value : index) = &inner;
  }
  if (!value || !index || index->target->type != IrType::kInt) return std::nullopt;
  std::string compare = s.condition->text;
  IrExprPtr left = s.condition->args[0];
  IrExprPtr right = s.condition->args[1];
  if (IsName(left, value->target->text)) {  // best < e
    std::swap(left, right);
    static const std::map<std::string, std::string> kMirror = {
        {"<", ">"}, {">", "<"}, {"<=", ">="}, {">=", "<="}};
    const auto mirrored = kMirror.find(compare);
    if (mirrored == kMirror.end()) return std::nullopt;
    compare = mirrored->second;
  }
  if (!IsName(right, value->target->text) || !SameExpr(left, value->value)) return std::nullopt;
  if (Mentions(left, value->target->text)) return std::nullopt;
  ArgUpdate update;
  update.best = value->target->text;
  update.index = index->target->text;
  if (compare == ">" || compare == ">=") {
    update.kind = LaneReduction::Kind::kArgMax;
  } else if (compare == "<" || compare == "<=") {
    update.kind = LaneReduction::Kind::kArgMin;
  } else {
    return std::nullopt;
  }
  update.last_wins = compare.size() == 2;
  return update;
}

std::set<std::string> DependentNames(const std::vector<IrStmt>& body, std::set<std::string> names) {
  // A name depends on the seeds when its value, its position or a condition above it does.
  const std::function<void(const std::vector<IrStmt>&, bool, bool&)> visit =
      [&](const std::vector<IrStmt>& list, bool conditional, bool& grew) {
        for (const IrStmt& s : list) {
          const auto depends = [&](const IrExprPtr& e) {
            if (!e) return false;
            for (const std::string& name : NamesIn(e)) {
              if (names.count(name) > 0) return true;
            }
            return false;
          };
          std::string target;
          if (s.kind == SKind::kDecl) target = s.name;
          if (s.kind == SKind::kAssign && s.target->kind == EKind::kName) target = s.target->text;
          if (!target.empty() && names.count(target) == 0 && (conditional || depends(s.value))) {
            if (s.kind == SKind::kAssign || depends(s.value)) {
              names.insert(target);
              grew = true;
            }
          }
          const bool inner = conditional || (s.kind == SKind::kIf && depends(s.condition)) ||
                             (s.kind == SKind::kFor && (depends(s.low) || depends(s.high)));
          visit(s.body, inner, grew);
          visit(s.other, inner, grew);
        }
      };
  bool grew = true;
  while (grew) {
    grew = false;
    visit(body, false, grew);
  }
  return names;
}

std::optional<std::vector<LaneReduction>> CarriedReductions(const IrStmt& loop) {
  if (loop.kind != SKind::kFor || HasOpaque(loop.body)) return std::nullopt;
  std::vector<LaneReduction> reductions;
  if (!CollectReductions(loop, reductions)) return std::nullopt;
  if (!WritesAreSeparate(AccessesIn(loop.body), loop.name)) return std::nullopt;
  return reductions;
}

bool IsParallelLoop(const KernelIr& kernel, const IrStmt& loop) {
  (void)kernel;
  if (HasOpaque(loop.body)) return false;
  const std::set<std::string> local = DeclaredIn(loop.body);
  bool ok = true;
  ForEachStmt(loop.body, [&](const IrStmt& s) {
    if (s.kind == SKind::kAssign && s.target->kind == EKind::kName) {
      ok = ok && local.count(s.target->text) > 0;
    }
  });
  return ok && WritesAreSeparate(AccessesIn(loop.body), loop.name);
}

std::optional<VectorLoop> AnalyzeVectorLoop(const KernelIr& kernel, const IrStmt& loop) {
  if (loop.kind != SKind::kFor || HasOpaque(loop.body)) return std::nullopt;
  VectorLoop out;
  out.loop = &loop;
  if (!CollectReductions(loop, out.reductions)) return std::nullopt;
  const std::vector<Access> accesses = AccessesIn(loop.body);
  if (!WritesAreSeparate(accesses, loop.name)) return std::nullopt;
  std::set<std::string> varying = DependentNames(loop.body, {loop.name});
  for (const LaneReduction& r : out.reductions) {
    varying.insert(r.name);
    if (!r.index.empty()) varying.insert(r.index);
  }
  bool moves = false;
  for (const Access& a : accesses) {
    if (!AccessFitsLanes(kernel, a, loop.name, varying)) return std::nullopt;
    moves = moves || !a.index.IndependentOf(loop.name);
  }
  if (!moves || !ExpressionsFitLanes(loop, varying)) return std::nullopt;
  return out;
}

std::vector<const IrStmt*> JamCandidates(const KernelIr& kernel, const std::vector<IrStmt>& nest,
                                         const VectorPlan& plan) {
  std::vector<const IrStmt*> path;  // loops around the first vector loop, outermost first
  if (plan.loops.size() != 1) return {};
  const VectorLoop& target = plan.loops.begin()->second;
  const std::function<bool(const IrStmt&)> find = [&](const IrStmt& s) {
    if (&s == target.loop) return true;
    for (const auto* list : {&s.body, &s.other}) {
      for (const IrStmt& inner : *list) {
        if (find(inner)) {
          if (s.kind == SKind::kFor) path.push_back(&s);
          return true;
        }
      }
    }
    return false;
  };
  if (std::none_of(nest.begin(), nest.end(), find)) return {};
  std::vector<std::pair<int, const IrStmt*>> ranked;
  for (const IrStmt* loop : path) {  // innermost first
    if (!IsParallelLoop(kernel, *loop)) continue;
    const std::set<std::string> moved = DependentNames(loop->body, {loop->name});
    bool ok = true;
    ForEachStmt(loop->body, [&](const IrStmt& s) {
      for (const std::string& name : moved) {
        if (s.kind == SKind::kFor) ok = ok && !Mentions(s.low, name) && !Mentions(s.high, name);
        if (s.kind == SKind::kIf && (HasLoop(s.body) || HasLoop(s.other))) {
          ok = ok && !Mentions(s.condition, name);
        }
      }
    });
    if (!ok) continue;
    int saved = 0;  // vector loads shared by the block count most, then scalar ones
    for (const Access& a : AccessesIn(target.loop->body)) {
      if (a.write || !a.index.IndependentOf(loop->name)) continue;
      saved += a.index.IndependentOf(target.loop->name) ? 1 : 4;
    }
    if (saved > 0 || !target.parallel()) ranked.emplace_back(-saved, loop);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const IrStmt*> out;
  for (const auto& [score, loop] : ranked) out.push_back(loop);
  return out;
}

std::optional<VectorPlan> PlanVectors(const KernelIr& kernel, const std::vector<IrStmt>& nest) {
  VectorPlan plan;
  PlanInto(kernel, nest, plan);
  if (plan.loops.empty()) return std::nullopt;
  return plan;
}

}  // namespace ks
