// The tile of a tl.dot in a Triton kernel: which constants it is made of, and other shapes for it.
#ifndef KS_PROPOSE_DEVICE_DOT_TILE_H_
#define KS_PROPOSE_DEVICE_DOT_TILE_H_

#include <optional>
#include <string>
#include <vector>

#include "propose/device/triton_text.h"

namespace ks {

// Names of the constants of the plan that are the tile: rows, columns, depth.
struct DotTile {
  std::string rows, columns, depth;
};

// A combination that is known to work well together.
struct DotShape {
  int rows, columns, depth, warps, stages;
};

// Best guess first for products of 16-bit and 32-bit operands on tensor cores.
const std::vector<DotShape>& KnownDotShapes();

// Empty: the dot's sum is no block of two constants that a loop over a third one adds to.
std::optional<DotTile> TileOfDot(const DeviceContext& context, const DeviceKernel& kernel,
                                 Node dot);
// True when the operands in flight fit the shared memory of a block (of devices that say how much).
bool FitsShared(const DeviceContext& context, const DotShape& shape, int operand_bytes);
// `source` with these sizes, and warps and stages of the launches. Empty: the text could not be
// edited.
std::optional<std::string> WithDotShape(const std::string& source,
                                        const std::vector<size_t>& launches, const DotTile& tile,
                                        const DotShape& shape);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_DOT_TILE_H_
