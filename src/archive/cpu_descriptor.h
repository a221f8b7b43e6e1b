// Strategy descriptors of CPU kernels: a cell of the grid is one way of being fast, read from the
// compiled code, never the score.
#ifndef KS_ARCHIVE_CPU_DESCRIPTOR_H_
#define KS_ARCHIVE_CPU_DESCRIPTOR_H_

#include <vector>

#include "archive/descriptor.h"

namespace ks {

// vector width (4) x blocking (5) x accumulators (4) x data movement (4) x parallelism (2).
std::vector<DescriptorAxis> CpuDescriptorAxes();
// One bin an axis, each within its axis.
std::vector<int> CpuBins(const CodeFeatures& features);
inline std::vector<int> CpuCell(const Evaluation& evaluation) {
  return CpuBins(evaluation.features);
}

// The axes above, and a vector of eight dimensions: docs/search.md.
DescriptorSpace CpuDescriptorSpace();

}  // namespace ks

#endif  // KS_ARCHIVE_CPU_DESCRIPTOR_H_
