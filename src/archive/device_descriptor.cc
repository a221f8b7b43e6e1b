#include "archive/device_descriptor.h"

#include <algorithm>

namespace ks {
namespace {

// The most special way of feeding the arithmetic units wins.
int MemoryLevelBin(const DeviceFeatures& features) {
  if (features.uses_tensor_cores) return 3;
  if (features.uses_async_copy) return 2;
  return features.uses_shared || features.shared_bytes > 0 ? 1 : 0;
}

int ThreadsBin(int threads) {
  if (threads > 512) return 3;
  if (threads > 128) return 2;
  return threads > 32 ? 1 : 0;
}

// Few, as many as leave the device full, many, or too many for the register file.
int RegistersBin(const DeviceFeatures& features) {
  if (features.spill_bytes > 0) return 3;
  if (features.registers > 64) return 2;
  return features.registers > 32 ? 1 : 0;
}

int LaunchesBin(const DeviceFeatures& features) {
  if (features.launches > 2) return 3;
  if (features.launches == 2) return 2;
  return features.scratch_bytes > 0 || features.uses_atomics ? 1 : 0;
}

int LoadWidthBin(int bits) {
  if (bits >= 128) return 3;
  if (bits >= 64) return 2;
  return bits > 16 ? 1 : 0;
}

std::vector<double> DevicePlace(const Evaluation& evaluation) {
  const DeviceFeatures features = evaluation.device.value_or(DeviceFeatures{});
  return {MemoryLevelBin(features) / 3.0,
          LogPlace(features.threads_per_block, 32, 1024),
          LogPlace(features.registers, 16, 256),
          features.occupancy > 0 ? std::min(features.occupancy, 1.0) : 0.0,
          LogPlace(1 + features.blocks_per_sm, 1, 64),
          LogPlace(features.launches, 1, 8),
          LogPlace(static_cast<double>(features.shared_bytes), 1024, 262144),
          LogPlace(features.load_bits, 8, 128),
          features.spill_bytes > 0 ? 1.0 : 0.0};
}

}  // namespace

std::vector<DescriptorAxis> DeviceDescriptorAxes() {
  return {{"memory level", {"plain", "shared", "async copy", "tensor cores"}},
          {"threads a block", {"1-32", "33-128", "129-512", "more than 512"}},
          {"registers", {"up to 32", "33-64", "more than 64", "spills"}},
          {"launches", {"1", "1 with scratch or atomics", "2", "3 or more"}},
          {"load width", {"up to 16 bit", "32 bit", "64 bit", "128 bit"}}};
}

std::vector<int> DeviceBins(const DeviceFeatures& features) {
  return {MemoryLevelBin(features), ThreadsBin(features.threads_per_block), RegistersBin(features),
          LaunchesBin(features), LoadWidthBin(features.load_bits)};
}

DescriptorSpace DeviceDescriptorSpace() {
  return {DeviceDescriptorAxes(),
          DeviceCell,
          {{"memory level", 4},
           {"threads a block", 6},
           {"registers", 0},
           {"occupancy", 0},
           {"blocks a multiprocessor", 0},
           {"launches", 0},
           {"shared memory", 0},
           {"load width", 5},
           {"spills", 2}},
          DevicePlace};
}

}  // namespace ks
