#include "archive/descriptor.h"

#include <algorithm>
#include <cmath>

#include "archive/cpu_descriptor.h"
#include "archive/device_descriptor.h"

namespace ks {

DescriptorSpace DescriptorSpaceOf(const std::string& backend) {
  return backend == "cpu" ? CpuDescriptorSpace() : DeviceDescriptorSpace();
}

double LogPlace(double value, double low, double high) {
  if (!(value >= 1)) return 0;
  return std::clamp(std::log2(value / low) / std::log2(high / low), 0.0, 1.0);
}

}  // namespace ks
