// Kernels in which a thread walks a row: which of its loops several threads can share.
#ifndef KS_PROPOSE_DEVICE_ROW_PLAN_H_
#define KS_PROPOSE_DEVICE_ROW_PLAN_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "propose/device/virtual_nest.h"
#include "propose/vector/vector_plan.h"

namespace ks {

// A loop of the row whose iterations are shared out.
struct SharedLoop {
  const IrStmt* loop = nullptr;
  std::vector<LaneReduction> reductions;
  bool writes = false;      // some array
  bool read_later = false;  // an array that it writes is used behind it
};

// An array of which each loop touches element `base + loop variable`: a thread meets the same
// elements in every loop, so they can stay in its registers.
struct CachedArray {
  std::string array, element;
  bool loaded = false;                  // read before it is written
  std::set<const IrStmt*> dead_stores;  // loops whose store a later loop overwrites
};

// Value; pointers into the nest.
struct RowPlan {
  std::vector<SharedLoop> loops;  // in order of the text
  bool conditional = false;       // a shared loop stands below an if
  int unit_along_row = 0;         // accesses of shared loops with stride 1 along the loop
  int unit_along_grid = 0;        // ... with stride 1 along the fastest grid loop
  std::string row_extent;         // of the plan; empty when the loops' ends differ or are data
  std::vector<CachedArray> cached;

  const SharedLoop* Find(const IrStmt& loop) const;
};

// Empty: no loop can be shared, or sharing one could change the result.
std::optional<RowPlan> PlanRow(const VirtualNest& nest);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_ROW_PLAN_H_
