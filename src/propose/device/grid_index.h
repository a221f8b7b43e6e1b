// Reads how a kernel computes its place in the grid: the statements at its top.
#ifndef KS_PROPOSE_DEVICE_GRID_INDEX_H_
#define KS_PROPOSE_DEVICE_GRID_INDEX_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "propose/device/device_context.h"

namespace ks {

// One parallel loop: for (type name = 0; name < extent; ++name).
struct GridLoop {
  std::string type, name;
  std::string extent;  // over parameters and integer locals of `prologue`
};

// The top of a kernel, read. Value; nodes refer to the context's tree.
struct GridIndex {
  std::vector<GridLoop> loops;      // slowest first
  std::vector<Node> prologue;       // integer declarations that extents may use
  std::vector<Node> carried;        // other declarations in front of the rest
  std::vector<std::string> locals;  // declarations that give back the kernel's own index names
  std::vector<Node> rest;           // the statements of one thread
  // The threads of a block share the work of one place of the grid: `rest` has loops that stride
  // over them, and calls that combine their values.
  bool cooperative = false;
};

// What a block-wide helper of the source does with its argument: '+', '>' (largest) or '<'
// (smallest) over the threads of the block. 0: it is no such helper.
char BlockReductionOf(const DeviceContext& context, std::string_view function);

// In a cooperative kernel: the first value of a loop `for (T v = threadIdx.x + low; ...; v +=
// BLOCK)` without the thread ("0" when there is nothing else); empty: not such a loop.
std::optional<std::string> ThreadLoopStart(const DeviceContext& context, const PlanLaunch& launch,
                                           Node for_statement);
// The variable that stands for blockIdx.x (y, z) in a cooperative kernel.
std::string BlockVariable(int dimension);
// The dimension of a lone blockIdx.x / get_group_id(0); empty: `node` is something else.
std::optional<int> BlockDimension(const DeviceContext& context, Node node);
// True for `threadIdx.x == 0` and the like.
bool IsFirstThread(const DeviceContext& context, Node condition);

// Empty: a form is not known, or an extent is nowhere stated.
std::optional<GridIndex> ReadGridIndex(const DeviceContext& context, const DeviceKernel& kernel);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_GRID_INDEX_H_
