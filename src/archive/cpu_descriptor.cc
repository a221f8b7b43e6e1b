#include "archive/cpu_descriptor.h"

#include <algorithm>

namespace ks {
namespace {

int VectorWidthBin(int bits) {
  if (bits >= 512) return 3;
  if (bits >= 256) return 2;
  return bits >= 128 ? 1 : 0;
}

int AccumulatorBin(int accumulators) {
  if (accumulators > 8) return 3;
  if (accumulators > 4) return 2;
  return accumulators > 1 ? 1 : 0;
}

// The most special way of moving data wins.
int DataMovementBin(const CodeFeatures& features) {
  if (features.uses_nontemporal || features.uses_prefetch) return 3;
  if (features.uses_gather) return 2;
  return features.uses_scratch ? 1 : 0;
}

std::vector<double> CpuPlace(const Evaluation& evaluation) {
  const CodeFeatures& features = evaluation.features;
  return {VectorWidthBin(features.vector_bits) / 3.0,
          std::clamp(features.loop_depth - 1, 0, 5) / 5.0,
          LogPlace(features.loop_count, 1, 64),
          LogPlace(1 + features.accumulators, 1, 32),
          DataMovementBin(features) / 3.0,
          LogPlace(1 + features.calls_in_loops, 1, 16),
          LogPlace(static_cast<double>(features.code_bytes), 256, 65536),
          features.uses_threads ? 1.0 : 0.0};
}

}  // namespace

std::vector<DescriptorAxis> CpuDescriptorAxes() {
  return {{"vector width", {"scalar", "128 bit", "256 bit", "512 bit"}},
          {"blocking", {"1 loop", "2 loops", "3 loops", "4 loops", "5 loops or more"}},
          {"accumulators", {"0-1", "2-4", "5-8", "more than 8"}},
          {"data movement", {"plain", "scratch", "gather", "stream or prefetch"}},
          {"parallelism", {"1 thread", "threads"}}};
}

std::vector<int> CpuBins(const CodeFeatures& features) {
  return {VectorWidthBin(features.vector_bits), std::clamp(features.loop_depth - 1, 0, 4),
          AccumulatorBin(features.accumulators), DataMovementBin(features),
          features.uses_threads ? 1 : 0};
}

DescriptorSpace CpuDescriptorSpace() {
  return {CpuDescriptorAxes(),
          CpuCell,
          {{"vector width", 4},
           {"loop depth", 6},
           {"loops", 0},
           {"accumulators", 0},
           {"data movement", 4},
           {"calls in loops", 0},
           {"code size", 0},
           {"threads", 2}},
          CpuPlace};
}

}  // namespace ks
