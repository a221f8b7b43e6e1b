// Deals the long loops of a kernel out to several blocks: each loop becomes a launch of its own in
// which every output (or row) has SPLITS parts; parts of a sum or extremum go through a scratch
// buffer and are combined by the launches that follow.
//
//   for i: s = 0; for j: s += x[i, j]; for j: y[i, j] = x[i, j] / s
//   ->  launch 1, for i, part: partial[part, i] = sum of its piece of the row
//       launch 2, for i, part: s = sum of partial[.., i]; its piece of the row: y = x / s
//
// The launches are written with one thread an output and part; other rewrites then share them.
#ifndef KS_PROPOSE_DEVICE_SPLIT_PHASES_H_
#define KS_PROPOSE_DEVICE_SPLIT_PHASES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "propose/device/row_plan.h"

namespace ks {

struct SplitForm {
  int parts = 16;
  // Terms beyond the end are skipped by a condition instead of by the loop's end: every part has
  // equally many, as rewrites of contractions expect.
  bool equal_parts = false;
};

// Value.
struct SplitKernel {
  std::string source;                 // the whole new candidate
  std::vector<std::string> partials;  // kernels that walk one part of a loop, in order
  std::string last;                   // the kernel of the last launch: the old one's name
  bool last_is_split = false;         // it walks a part too; else it only combines
};

// Empty: a loop is conditional or picks an index, a value between the loops is read from a buffer
// that a loop writes, or the plan cannot say an extent.
std::optional<SplitKernel> SplitIntoPhases(const DeviceContext& context, const DeviceKernel& kernel,
                                           const VirtualNest& nest, const RowPlan& plan,
                                           const SplitForm& form);

// Outputs or rows (the grid of the nest) on the largest workload that is timed on a device; 0 when
// unknown.
int64_t LargestGrid(const DeviceContext& context, const std::string& plan_extent);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_SPLIT_PHASES_H_
