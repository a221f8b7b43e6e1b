// Writes kernels in which the blocks of the whole device share a row: a few rows, each too long for
// one block, stay on the chip between the loops over them.
//
//   before:  a block a row: sum of the row; sum of squares of the row - mean; row -> output
//   after:   every block keeps its part of a row in shared memory; sums go through a slot a block
//            that the others wait for; the part is read from memory once
//
// Blocks wait for one another, so the launch is cooperative: all of them are resident. Two groups
// of blocks take turns: while one waits, the other moves data.
#ifndef KS_PROPOSE_DEVICE_SPREAD_EMIT_H_
#define KS_PROPOSE_DEVICE_SPREAD_EMIT_H_

#include <optional>
#include <string>

#include "propose/device/device_text.h"
#include "propose/device/row_plan.h"

namespace ks {

// The whole candidate. Empty: a loop is conditional or carries an index, no row is read twice, a
// loop writes what another one reads at other places, or a type does not fit a slot. CUDA C++.
std::optional<std::string> WithSpreadRows(const DeviceContext& context, const VirtualNest& nest,
                                          const RowPlan& plan, int groups);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_SPREAD_EMIT_H_
