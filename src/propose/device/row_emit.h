// Writes kernels in which several threads share a row.
#ifndef KS_PROPOSE_DEVICE_ROW_EMIT_H_
#define KS_PROPOSE_DEVICE_ROW_EMIT_H_

#include <map>
#include <optional>
#include <string>

#include "propose/device/device_text.h"
#include "propose/device/row_plan.h"

namespace ks {

enum class RowScheme {
  kWarp,    // a row for a part of a warp; several rows a block; shuffles (CUDA)
  kBlock,   // a row for a block
  kColumn,  // threads along x keep a row each, threads along y share it: rows lie side by side
};

struct RowOptions {
  RowScheme scheme = RowScheme::kBlock;
  bool cache = false;  // keep the row in registers between the loops (kWarp, kBlock)
};

// `e` with what is read from the arrays of `by` replaced.
IrExprPtr ReplaceArrays(const IrExprPtr& e, const std::map<std::string, IrExprPtr>& by);

// Empty: the scheme does not fit the nest or the dialect.
std::optional<KernelRewrite> EmitRowKernel(const DeviceContext& context, const VirtualNest& nest,
                                           const RowPlan& plan, const RowOptions& options);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_ROW_EMIT_H_
