// Where a thread that makes a strip of outputs stands in its grid, and that grid.
#ifndef KS_PROPOSE_DEVICE_STRIP_PLACE_H_
#define KS_PROPOSE_DEVICE_STRIP_PLACE_H_

#include <optional>
#include <string>
#include <vector>

#include "propose/device/device_text.h"
#include "propose/device/virtual_nest.h"

namespace ks {

// Constants of the source: threads along a line, strips of a block down, outputs of a strip.
struct StripNames {
  std::string threads, down, outputs;
};

// The axes of the grid but for the strip's and the last, along which lines lie.
std::vector<LoopHeader> AxesBeyond(const VirtualNest& nest, size_t strip);

// Declares the last axis' variable, `ks_first`, the first output of the thread along `strip`, and
// the variables beyond; leaves the kernel where there is no output.
std::string StripPlace(const DeviceText& text, const VirtualNest& nest, size_t strip,
                       const StripNames& names);

// How such a kernel is launched: block, grid and constants, of so many threads along a line, strips
// down and outputs; the body is the caller's. Empty: an extent is nothing that the plan knows.
struct StripSizes {
  int threads = 32, down = 8, outputs = 8;
};
std::optional<KernelRewrite> StripLaunch(const VirtualNest& nest, size_t strip,
                                         const StripNames& names, const StripSizes& sizes);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_STRIP_PLACE_H_
