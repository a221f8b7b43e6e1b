// Gives a Triton program several places of a grid axis at once: what was computed for one place is
// computed for a batch of them, as one more dimension in front of every value that depends on it.
// Loads that do not depend on the place are then shared by the batch, and sums of products of a
// shared block with a row a place become matrix products.
//
//   before:  i = tl.program_id(0)
//            x = tl.load(q + i * dim + d)
//            s = tl.sum(block * x[None, :], axis=1)
//   after:   i = tl.minimum(tl.program_id(0) * ROWS + tl.arange(0, ROWS), rows - 1)
//            x = tl.load(q + (i * dim)[:, None] + d[None, :])
//            s = tl.dot(x, tl.trans(block))
//
// Places beyond the end repeat the last one: they store what it stores. A place that has left a
// loop in which others go on loads nothing there.
#ifndef KS_PROPOSE_DEVICE_TRITON_BATCH_H_
#define KS_PROPOSE_DEVICE_TRITON_BATCH_H_

#include <optional>
#include <set>
#include <string>

#include "propose/device/triton_parts.h"

namespace ks {

// Value. The source has the kernel rewritten, not yet its launch.
struct BatchedKernel {
  std::string source;
  std::string places, end;         // new parameters: constant of the batch, number of places
  size_t shared_loads = 0;         // of blocks that do not depend on the place
  size_t own_loads = 0;            // of a block for each place
  size_t own_ranges = 0;           // loops with ends of their own for each place
  size_t dots = 0;                 // sums that became matrix products
  std::set<std::string> dot_axes;  // extents of the dots' dimensions, as the kernel names them
};

// `precision`: of products ("ieee", "tf32x3"). Empty: the kernel does not use that axis of the
// grid, or something in it depends on the place in a way that has no batched form (another number
// of dimensions than two in all, a branch, an atomic, a buffer that is both loaded and stored, a
// helper that accesses memory or asks for the grid).
std::optional<BatchedKernel> BatchPrograms(const DeviceContext& context, const DeviceKernel& kernel,
                                           int axis, const std::string& precision);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TRITON_BATCH_H_
