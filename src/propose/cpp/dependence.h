// Conservative data-dependence tests. "false" means "not proven".
//
// Facts used: arguments of the entry function never overlap (destination passing), sizes are at
// least 1, and a kernel never reads or writes outside its buffers' rows by wrapping of indices.
#ifndef KS_PROPOSE_CPP_DEPENDENCE_H_
#define KS_PROPOSE_CPP_DEPENDENCE_H_

#include <set>
#include <string>
#include <vector>

#include "propose/cpp/loop_nest.h"

namespace ks {

// Answers questions about one loop nest. Immutable; refers to the nest.
class Dependence {
 public:
  // distinct_arguments: pointer parameters of the function never overlap (the entry function, or a
  // helper whose parameters are restrict).
  Dependence(const LoopNest& nest, bool distinct_arguments)
      : nest_(&nest), distinct_arguments_(distinct_arguments) {}

  // No iteration of `loop` depends on another one: iterations may run in any order, interleaved or
  // at once, with every scalar and array declared inside the body private to its iteration.
  bool IsParallel(const Loop& loop) const { return Free(loop, {}); }
  // As IsParallel when the updates of `reductions` are left out of account.
  bool IsParallelExcept(const Loop& loop, const std::vector<Reduction>& reductions) const {
    return Free(loop, reductions);
  }
  // The perfect pair outer/inner may be exchanged: bounds are independent and no dependence would
  // turn around. Each element still receives its updates in the old order.
  bool MayInterchange(const Loop& outer, const Loop& inner) const;
  // Bounds of `loop` do not mention `symbol`.
  bool BoundsIndependentOf(const Loop& loop, const std::string& symbol) const;
  // All accesses of `a` and `b` to the same array are such that at least one of them is never
  // written by either: the two regions commute.
  bool Commute(const Effects& a, const Effects& b) const;

  // Every two executions of accesses `a` and `b` (inside `scope`) with different values of
  // `variable` touch different elements.
  bool Distinct(const Access& a, const Access& b, const Loop& variable, const Loop& scope) const;

 private:
  bool Free(const Loop& loop, const std::vector<Reduction>& reductions) const;
  bool ScalarsArePrivate(const Loop& loop, const Effects& effects,
                         const std::vector<Reduction>& reductions) const;
  bool Separate(const Access& a, const Access& b) const;
  // Bounds from above (below) of `poly` over the ranges of the loops in `varying`; several where a
  // loop has several bounds. Empty when not known.
  std::vector<Poly> Extremes(const Poly& poly, const std::set<std::string>& varying,
                             bool largest) const;
  std::set<std::string> VariablesInside(const Loop& scope) const;

  const LoopNest* nest_;
  bool distinct_arguments_;
};

}  // namespace ks

#endif  // KS_PROPOSE_CPP_DEPENDENCE_H_
