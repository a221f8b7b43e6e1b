#include "measure/device_roofline.h"

#include <algorithm>
#include <cmath>

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

DeviceProfile ProfileFromModel(const Cost& cost, const Machine& machine,
                               const std::string& precision, const DeviceFeatures& features,
                               double median_ns) {
  DeviceProfile profile;
  profile.source = "model";
  const RooflinePlace place = PlaceOnDevice(cost, machine, precision, features, median_ns);
  profile.bottleneck = place.bottleneck;
  profile.roofline_fraction = place.fraction;
  const auto add = [&](const char* name, double value, const char* unit) {
    if (value > 0) profile.facts.push_back({name, value, unit});
  };
  add("bytes of the task", cost.bytes, "byte");
  add("operations of the task", cost.flops, "flop");
  if (median_ns > 0) {
    add("memory throughput", cost.bytes / median_ns, "GB/s");
    add("compute throughput", cost.flops / median_ns, "GFLOP/s");
  }
  add("occupancy", 100 * features.occupancy, "%");
  add("blocks a multiprocessor", features.blocks_per_sm, "");
  add("registers a thread", features.registers, "");
  add("spilled a thread", static_cast<double>(features.spill_bytes), "byte");
  add("shared memory a block", static_cast<double>(features.shared_bytes), "byte");
  add("threads a block", features.threads_per_block, "");
  add("launches", features.launches, "");
  if (!machine.device || features.threads_per_block <= 0) return profile;
  // Blocks that each resource admits, in threads of the most that may be resident.
  const DeviceInfo& device = *machine.device;
  const auto most = static_cast<double>(device.threads_per_sm);
  const double threads = features.threads_per_block;
  const auto share = [&](double blocks) { return 100 * std::floor(blocks) * threads / most; };
  if (most <= 0) return profile;
  if (features.registers > 0 && device.registers_per_sm > 0) {
    const double blocks =
        static_cast<double>(device.registers_per_sm) / (features.registers * threads);
    add("occupancy that registers admit", std::min(100.0, share(blocks)), "%");
  }
  if (features.shared_bytes > 0 && device.shared_bytes_per_sm > 0) {
    const double blocks = static_cast<double>(device.shared_bytes_per_sm) /
                          static_cast<double>(features.shared_bytes);
    add("occupancy that shared memory admits", std::min(100.0, share(blocks)), "%");
  }
  return profile;
}

}  // namespace ks
