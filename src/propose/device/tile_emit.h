// Writes tiled contractions: in registers on the ordinary units, and on tensor cores.
#ifndef KS_PROPOSE_DEVICE_TILE_EMIT_H_
#define KS_PROPOSE_DEVICE_TILE_EMIT_H_

#include <optional>

#include "propose/device/tile_plan.h"

namespace ks {

struct TileSizes {
  int rows = 128, columns = 128, depth = 8;  // of a block's tile
  int thread_rows = 8, thread_columns = 8;   // of a thread's tile (register kernel)
  int warps_down = 2, warps_across = 4;      // of a block (tensor kernel)
  int stages = 3;                            // tiles in flight (tensor kernel)
};

// Shared-memory tiles, a register tile a thread, the next tile loaded while one is used.
std::optional<KernelRewrite> EmitRegisterTiles(const DeviceContext& context,
                                               const VirtualNest& nest, const TilePlan& plan,
                                               const TileSizes& sizes);

// What the tensor cores compute in.
enum class TensorType { kTf32, kHalf, kBf16 };
// The type that the task's precision and the operands allow; empty: none.
std::optional<TensorType> TensorTypeFor(const DeviceContext& context, const TilePlan& plan);

// Warp-wide matrix products (CUDA). REQUIRES: TensorTypeFor gave `type`.
std::optional<KernelRewrite> EmitTensorTiles(const DeviceContext& context, const VirtualNest& nest,
                                             const TilePlan& plan, TensorType type,
                                             const TileSizes& sizes);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TILE_EMIT_H_
