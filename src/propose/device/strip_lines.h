// Writes stencils line by line: a thread makes several outputs along a slower axis, reads each line
// of its elements once, with the tests of the border that belong to it, and gives what it read to
// all outputs whose windows hold the line. Threads at the border do what the others do.
#ifndef KS_PROPOSE_DEVICE_STRIP_LINES_H_
#define KS_PROPOSE_DEVICE_STRIP_LINES_H_

#include <optional>

#include "propose/device/device_text.h"

namespace ks {

struct LineForm {
  int threads = 32, down = 8, outputs = 8;  // of a block along a line and down; of a thread
};

// Empty: the kernel is no stencil of sums and extrema over a window of constant size, or what it
// reads and tests does not move with the output as with the window. CUDA C++.
std::optional<KernelRewrite> EmitStripLines(const DeviceContext& context, const VirtualNest& nest,
                                            const LineForm& form);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_STRIP_LINES_H_
