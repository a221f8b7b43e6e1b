// Strategy descriptors of device kernels: a cell of the grid is one way of being fast, read from
// the compiled code and its launches, never the score.
#ifndef KS_ARCHIVE_DEVICE_DESCRIPTOR_H_
#define KS_ARCHIVE_DEVICE_DESCRIPTOR_H_

#include <vector>

#include "archive/descriptor.h"

namespace ks {

// memory level (4) x threads a block (4) x registers a thread (4) x launches (4) x load width (4).
std::vector<DescriptorAxis> DeviceDescriptorAxes();
// One bin an axis, each within its axis.
std::vector<int> DeviceBins(const DeviceFeatures& features);
inline std::vector<int> DeviceCell(const Evaluation& evaluation) {
  return DeviceBins(evaluation.device.value_or(DeviceFeatures{}));
}

// The axes above, and a vector of nine dimensions: docs/search.md.
DescriptorSpace DeviceDescriptorSpace();

}  // namespace ks

#endif  // KS_ARCHIVE_DEVICE_DESCRIPTOR_H_
