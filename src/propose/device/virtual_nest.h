// A kernel with one thread an output (or a row) seen as a loop nest: the grid becomes the outer
// loops, so that the analyses written for CPU loop nests hold for it.
//
//   const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
//   if (i >= rows) return;                                   for (int64_t i = 0; i < rows; ++i) {
//   ...                                              ->        ...
//
// Known forms: an index a grid dimension (blockIdx * blockDim + threadIdx, get_global_id, or
// blockIdx of one-thread blocks), guards by early return or around the rest, grid-stride loops, and
// flat indices taken apart by / and %. Also kernels in which the threads of a block stride through
// a row and combine their values by a helper function.
#ifndef KS_PROPOSE_DEVICE_VIRTUAL_NEST_H_
#define KS_PROPOSE_DEVICE_VIRTUAL_NEST_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "propose/device/device_context.h"
#include "propose/vector/contraction.h"
#include "propose/vector/loop_ir.h"

namespace ks {

// Value. Names of the loops are those of the kernel's variables.
struct VirtualNest {
  std::string kernel;
  size_t launch = 0;                        // the only one of the kernel
  size_t body_begin = 0, body_end = 0;      // of the kernel's body in the source, braces included
  KernelIr ir;                              // its body is one nest of loops
  std::vector<LoopHeader> grid;             // parallel loops, outermost first
  const std::vector<IrStmt>& body() const;  // what one thread does
  const IrStmt& nest() const { return ir.body[0]; }
  bool cooperative = false;  // the threads of a block already share a row
  std::string index_type;    // wide enough for every index, as the kernel itself has it
  // Integer parameter -> expression of the launch plan.
  std::map<std::string, std::string> plan_names;

  // `expression` (over parameters and the plan's constants) as text of the plan's language. Empty:
  // it holds something that the plan cannot say.
  std::optional<std::string> PlanText(const IrExprPtr& expression) const;
};

// Empty: the kernel is launched more than once, threads work together, or a form is not known.
std::optional<VirtualNest> BuildVirtualNest(const DeviceContext& context,
                                            const DeviceKernel& kernel);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_VIRTUAL_NEST_H_
