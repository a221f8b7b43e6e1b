// Which loops of a nest can be carried by vector lanes, and which enclosing loop by a register
// block.
#ifndef KS_PROPOSE_VECTOR_VECTOR_PLAN_H_
#define KS_PROPOSE_VECTOR_VECTOR_PLAN_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "propose/vector/loop_ir.h"

namespace ks {

// A scalar that the loop accumulates: name = name op value.
struct LaneReduction {
  enum class Kind { kSum, kProduct, kMax, kMin, kArgMax, kArgMin };
  Kind kind = Kind::kSum;
  std::string name;
  std::string index;       // kArgMax, kArgMin: the position that goes with `name`
  bool last_wins = false;  // kArg*: among equals the last position (">=") instead of the first
  // The running value is read too: a prefix sum, with (inclusive) or without the own element.
  bool scan = false, inclusive = true;
};

// A loop whose iterations may run in lanes.
struct VectorLoop {
  const IrStmt* loop = nullptr;
  std::vector<LaneReduction> reductions;  // empty: iterations are independent
  bool parallel() const { return reductions.empty(); }
};

// How a nest is rewritten. Pointers into the nest it was made from.
struct VectorPlan {
  std::map<const IrStmt*, VectorLoop> loops;
  const IrStmt* jam = nullptr;  // enclosing loop with several iterations in registers; may be null
};

// Rewrites `if (e > m) m = e` and `m = e > m ? e : m` to m = max(m, e), sums into an array element
// that a loop does not move into sums in a local, and lets an extremum that begins with the first
// element run over it as well.
void NormalizeReductions(const KernelIr& kernel, std::vector<IrStmt>& body);

// Empty: the lanes of `loop` would not be independent (up to reductions), or an access is neither
// stride 1, small constant stride (reads) nor invariant.
std::optional<VectorLoop> AnalyzeVectorLoop(const KernelIr& kernel, const IrStmt& loop);

// The reductions and scans that `loop` carries, when its iterations are independent otherwise; no
// demand on strides. Empty optional: something else is carried.
std::optional<std::vector<LaneReduction>> CarriedReductions(const IrStmt& loop);

// True when iterations of `loop` may run in any order: no carried scalar, every written array is
// touched by one index form that moves with the loop.
bool IsParallelLoop(const KernelIr& kernel, const IrStmt& loop);

// The best vector loop of every path below `nest` (outermost parallel one, else an innermost
// reduction), and a register-block loop where it saves loads. Empty: nothing to vectorise.
std::optional<VectorPlan> PlanVectors(const KernelIr& kernel, const std::vector<IrStmt>& nest);

// Loops that could be the register block of `plan`, best first.
std::vector<const IrStmt*> JamCandidates(const KernelIr& kernel, const std::vector<IrStmt>& nest,
                                         const VectorPlan& plan);

// `if (e > best) { best = e; index = i; }`
struct ArgUpdate {
  LaneReduction::Kind kind = LaneReduction::Kind::kArgMax;
  std::string best, index;
  bool last_wins = false;
};
std::optional<ArgUpdate> MatchArgUpdate(const IrStmt& statement);

// What `update` adds, multiplies or compares: e of m += e, m = m * e, m = max(m, e), ...
IrExprPtr ReductionOperand(const IrStmt& update, const std::string& name);

// True for `index` of a read that must be gathered: it depends on lanes, but not as a stride.
bool NeedsGather(const IrExprPtr& index, const std::string& variable,
                 const std::set<std::string>& varying);

// The parts of a conjunction.
std::vector<IrExprPtr> Conjuncts(const IrExprPtr& condition);

// Conditions (C++ over names known before the loop, its variable and kLanes, U) under which every
// lane-dependent condition in `loop` holds for all lanes of a block; empty when there are no such
// conditions or they are not affine.
std::vector<std::string> InteriorTests(const IrStmt& loop, const std::set<std::string>& varying,
                                       const std::set<std::string>& unusable);

// `loop` and everything that its values reach: names whose value depends on `seeds`.
std::set<std::string> DependentNames(const std::vector<IrStmt>& body, std::set<std::string> seeds);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_VECTOR_PLAN_H_
