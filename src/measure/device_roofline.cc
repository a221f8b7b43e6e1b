#include "measure/device_roofline.h"

#include <algorithm>

namespace ks {
namespace {

// Operations a nanosecond that the task's contract admits; 0 unknown.
double PeakOf(const DeviceInfo& device, const std::string& precision) {
  double peak = device.peak_gflops_f32;
  if (precision == "tf32") peak = std::max(peak, device.peak_gflops_tf32);
  if (precision == "bf16" || precision == "f16") {
    peak = std::max({peak, device.peak_gflops_tf32, device.peak_gflops_f16});
  }
  return peak;
}

}  // namespace

double DeviceFloorNs(const Cost& cost, const Machine& machine, int launches) {
  if (!machine.device || machine.device->is_cpu) return FloorNs(cost, machine, machine.cores);
  const DeviceInfo& device = *machine.device;
  double floor_ns = kFirstLaunchFloorNs + kNextLaunchFloorNs * std::max(0, launches - 1);
  if (device.copy_gbytes_per_s > 0) {
    const double cached = std::min(cost.bytes, static_cast<double>(device.l2_bytes));
    const double memory_ns =
        (cost.bytes - cached) / (device.copy_gbytes_per_s * kFloorBandwidthSlack);
    const double cache_ns = cached / (device.copy_gbytes_per_s * kFloorCachedBandwidth);
    floor_ns = std::max({floor_ns, memory_ns, cache_ns});
  }
  // Exact results may be put together from products in a lower precision: the fastest unit counts.
  const double tensor = std::max(device.peak_gflops_f16, device.peak_gflops_tf32);
  const double peak = tensor > 0 ? std::max(tensor, device.peak_gflops_f32)
                                 : device.peak_gflops_f32 * kFloorTensorOverF32;
  if (peak > 0) floor_ns = std::max(floor_ns, cost.flops / (peak * kFloorAlgorithmSlack));
  return floor_ns;
}

RooflinePlace PlaceOnDevice(const Cost& cost, const Machine& machine, const std::string& precision,
                            const DeviceFeatures& features, double median_ns) {
  if (!machine.device || machine.device->is_cpu) {
    return PlaceUnderRoofline(cost, machine, machine.cores, median_ns);
  }
  RooflinePlace place;
  if (median_ns <= 0) return place;
  const double peak = PeakOf(*machine.device, precision);
  const double bandwidth = machine.device->copy_gbytes_per_s;
  const double compute_ns = peak > 0 ? cost.flops / peak : 0;
  const double memory_ns = bandwidth > 0 ? cost.bytes / bandwidth : 0;
  const double ceiling_ns = std::max(compute_ns, memory_ns);
  if (ceiling_ns <= 0) return place;
  place.fraction = std::min(1.0, ceiling_ns / median_ns);
  const bool starved = (features.blocks_per_sm > 0 && features.blocks_per_sm < 1) ||
                       (features.occupancy > 0 && features.occupancy < kLowOccupancy);
  if (place.fraction < kLatencyFraction || (starved && place.fraction < kStarvedFraction)) {
    place.bottleneck = "latency";
  } else {
    place.bottleneck = compute_ns >= memory_ns ? "compute" : "memory";
  }
  return place;
}

}  // namespace ks
