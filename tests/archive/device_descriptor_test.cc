#include "archive/device_descriptor.h"

#include <gtest/gtest.h>

#include "archive/grid_archive.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

TEST(DeviceDescriptor, SeparatesStrategies) {
  DeviceFeatures plain;
  plain.threads_per_block = 256;
  plain.registers = 24;
  plain.load_bits = 32;
  EXPECT_EQ(DeviceBins(plain), (std::vector<int>{0, 2, 0, 0, 1}));
  DeviceFeatures tiled = plain;
  tiled.uses_shared = true;
  tiled.registers = 120;
  tiled.load_bits = 128;
  EXPECT_EQ(DeviceBins(tiled), (std::vector<int>{1, 2, 2, 0, 3}));
  DeviceFeatures pipelined = tiled;
  pipelined.uses_async_copy = true;
  pipelined.threads_per_block = 128;
  EXPECT_EQ(DeviceBins(pipelined), (std::vector<int>{2, 1, 2, 0, 3}));
  DeviceFeatures tensor = pipelined;
  tensor.uses_tensor_cores = true;
  tensor.spill_bytes = 8;
  tensor.launches = 2;
  tensor.scratch_bytes = 4096;
  EXPECT_EQ(DeviceBins(tensor), (std::vector<int>{3, 1, 3, 2, 3}));
  DeviceFeatures atomics = plain;
  atomics.uses_atomics = true;
  EXPECT_EQ(DeviceBins(atomics)[3], 1);
}

TEST(DeviceDescriptor, StaysInsideItsAxesForAnyFeatures) {
  const auto axes = DeviceDescriptorAxes();
  for (int value : {-1, 0, 1, 2, 3, 8, 16, 32, 64, 128, 255, 1024, 1 << 20}) {
    DeviceFeatures features;
    features.launches = features.registers = features.threads_per_block = value;
    features.load_bits = value;
    features.shared_bytes = features.spill_bytes = features.scratch_bytes = value;
    features.uses_tensor_cores = value > 100;
    features.uses_async_copy = value > 8;
    const auto bins = DeviceBins(features);
    ASSERT_EQ(bins.size(), axes.size());
    for (size_t i = 0; i < bins.size(); ++i) {
      EXPECT_GE(bins[i], 0);
      EXPECT_LT(static_cast<size_t>(bins[i]), axes[i].bins.size());
    }
  }
}

TEST(DeviceDescriptor, MakesCellsOfAGrid) {
  GridArchive archive(SearchConfig{}, DeviceDescriptorAxes(), DeviceCell);
  DeviceFeatures shared;
  shared.uses_shared = true;
  EXPECT_TRUE(archive.Add(Make(0, kNoCandidate).Device({})));
  EXPECT_TRUE(archive.Add(Make(1, 0).Speedup(0.8).Device(shared))) << "slower, another strategy";
  EXPECT_FALSE(archive.Add(Make(2, 0).Speedup(0.8).Device(shared)));
  EXPECT_EQ(archive.axes()[0].name, "memory level");
}

}  // namespace
}  // namespace ks
