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

// Empty: a form is not known, or an extent is nowhere stated.
std::optional<GridIndex> ReadGridIndex(const DeviceContext& context, const DeviceKernel& kernel);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_GRID_INDEX_H_
