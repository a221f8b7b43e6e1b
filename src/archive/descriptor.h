// Strategy descriptors: what a cell of an archive stands for, read from the compiled candidate and
// never from its score. Every axis has a fixed range: a descriptor never moves.
#ifndef KS_ARCHIVE_DESCRIPTOR_H_
#define KS_ARCHIVE_DESCRIPTOR_H_

#include <functional>
#include <string>
#include <vector>

#include "core/archive.h"

namespace ks {

// A dimension of the descriptor vector, scaled to [0, 1].
struct DescriptorDimension {
  std::string name;
  int levels = 0;  // values it can take, evenly spaced; 0: any
};

// How one kind of backend describes its candidates. Immutable value.
struct DescriptorSpace {
  std::vector<DescriptorAxis> axes;                             // named bins: the grid, reports
  std::function<std::vector<int>(const Evaluation&)> bins;      // one an axis, each within its axis
  std::vector<DescriptorDimension> dimensions;                  // finer: the regions of a CVT
  std::function<std::vector<double>(const Evaluation&)> place;  // one a dimension, in [0, 1]
};

// The space of a backend: "cpu", or any backend of devices.
DescriptorSpace DescriptorSpaceOf(const std::string& backend);

// log2(value / low) / log2(high / low), within [0, 1]; 0 for values below 1.
double LogPlace(double value, double low, double high);

}  // namespace ks

#endif  // KS_ARCHIVE_DESCRIPTOR_H_
