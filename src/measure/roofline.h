// The roofline of one call: a floor that no honest kernel can beat, and how near the machine's
// measured ceilings a time is. Pure functions.
//
// The floor rejects, so its ceilings are far above any present CPU: a clock of 6 GHz, 64 bytes a
// cycle and core (192 while the data fits a second-level cache), two FMA pipes of the machine's
// vector width in f32 lanes, and three times fewer multiplications than the task counts (Winograd
// and Strassen forms).
#ifndef KS_MEASURE_ROOFLINE_H_
#define KS_MEASURE_ROOFLINE_H_

#include <algorithm>
#include <string>

#include "core/machine.h"
#include "core/task.h"

namespace ks {

inline constexpr double kFloorCyclesPerNs = 6.0;
inline constexpr double kFloorBytesPerCycle = 64.0;
inline constexpr double kFloorCachedBytesPerCycle = 192.0;
inline constexpr double kFloorCachedBytes = 2.0 * 1024 * 1024;  // or the L2 when it is larger
inline constexpr double kFloorAlgorithmSlack = 3.0;
// Below this share of both ceilings a kernel is bound by neither.
inline constexpr double kLatencyFraction = 0.10;

// Shortest believable time of one call on `threads` cores, nanoseconds. A shorter one means that
// work was left out. 0 when the cost is unknown.
inline double FloorNs(const Cost& cost, const Machine& machine, int threads) {
  const double cores = std::max(1, threads);
  const double cached = std::max(kFloorCachedBytes, static_cast<double>(machine.l2_bytes)) * cores;
  const double bytes_per_cycle =
      cost.bytes <= cached ? kFloorCachedBytesPerCycle : kFloorBytesPerCycle;
  const double lanes = std::max(128, machine.vector_bits) / 32.0;
  const double flops_per_cycle = 2.0 * 2.0 * lanes * kFloorAlgorithmSlack;
  const double cycles = std::max(cost.bytes / bytes_per_cycle, cost.flops / flops_per_cycle);
  return cycles / (kFloorCyclesPerNs * cores);
}

struct RooflinePlace {
  double fraction = 0;                 // 0..1: ceiling time / time; 0 unknown
  std::string bottleneck = "unknown";  // "compute", "memory", "latency", "unknown"
};

// Where a time lies under the machine's measured ceilings (one core each, times `threads`; memory
// is not scaled). "latency": nearer than a tenth to neither ceiling.
inline RooflinePlace PlaceUnderRoofline(const Cost& cost, const Machine& machine, int threads,
                                        double median_ns) {
  RooflinePlace place;
  if (median_ns <= 0) return place;
  const double compute_ns =
      machine.peak_gflops_f32 > 0 ? cost.flops / machine.peak_gflops_f32 / std::max(1, threads) : 0;
  const double memory_ns =
      machine.copy_gbytes_per_s > 0 ? cost.bytes / machine.copy_gbytes_per_s : 0;
  const double ceiling_ns = std::max(compute_ns, memory_ns);
  if (ceiling_ns <= 0) return place;
  place.fraction = std::min(1.0, ceiling_ns / median_ns);
  if (place.fraction < kLatencyFraction) {
    place.bottleneck = "latency";
  } else {
    place.bottleneck = compute_ns >= memory_ns ? "compute" : "memory";
  }
  return place;
}

}  // namespace ks

#endif  // KS_MEASURE_ROOFLINE_H_
