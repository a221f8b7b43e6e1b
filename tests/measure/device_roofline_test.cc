#include "measure/device_roofline.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

Machine Gpu() {
  Machine machine;
  machine.device = DeviceInfo{};
  machine.device->copy_gbytes_per_s = 4000;
  machine.device->peak_gflops_f32 = 60e3;
  machine.device->peak_gflops_tf32 = 400e3;
  machine.device->peak_gflops_f16 = 800e3;
  machine.device->l2_bytes = 50'000'000;
  return machine;
}

TEST(DeviceFloor, IsTheLaunchForTinyWork) {
  EXPECT_DOUBLE_EQ(DeviceFloorNs({1000, 1000}, Gpu(), 1), kFirstLaunchFloorNs);
  EXPECT_GT(DeviceFloorNs({1000, 1000}, Gpu(), 4), kFirstLaunchFloorNs);
}

TEST(DeviceFloor, LiesBelowWhatTheMemoryTakes) {
  const Cost cost{1e9, 0};
  const double copy_ns = cost.bytes / 4000;
  EXPECT_LT(DeviceFloorNs(cost, Gpu(), 1), copy_ns);
  EXPECT_GT(DeviceFloorNs(cost, Gpu(), 1), 0.6 * copy_ns);
}

TEST(DeviceFloor, AllowsWhatFitsTheCacheToBeFaster) {
  const Cost cost{40e6, 0};
  EXPECT_LT(DeviceFloorNs(cost, Gpu(), 1), 0.25 * cost.bytes / 4000);
}

TEST(DeviceFloor, CountsTheFastestUnitWhateverThePrecision) {
  const Cost cost{1e6, 2.0 * 4096 * 4096 * 4096};
  EXPECT_NEAR(DeviceFloorNs(cost, Gpu(), 1), cost.flops / 800e3 / kFloorAlgorithmSlack, 1);
  Machine unknown = Gpu();
  unknown.device->peak_gflops_f16 = unknown.device->peak_gflops_tf32 = 0;
  EXPECT_LT(DeviceFloorNs(cost, unknown, 1), cost.flops / 60e3 / kFloorAlgorithmSlack / 10);
}

TEST(DeviceFloor, OfACpuIsTheProcessors) {
  Machine machine = Gpu();
  machine.device->is_cpu = true;
  machine.cores = 4;
  const Cost cost{1e6, 1e6};
  EXPECT_DOUBLE_EQ(DeviceFloorNs(cost, machine, 1), FloorNs(cost, machine, 4));
}

TEST(PlaceOnDevice, NamesWhatBinds) {
  DeviceFeatures full;
  full.occupancy = 0.9;
  full.blocks_per_sm = 20;
  const Cost stream{1e9, 1e9};
  EXPECT_EQ(PlaceOnDevice(stream, Gpu(), "f32", full, 300e3).bottleneck, "memory");
  EXPECT_NEAR(PlaceOnDevice(stream, Gpu(), "f32", full, 500e3).fraction, 0.5, 1e-9);
  const Cost product{1e8, 1.4e11};
  EXPECT_EQ(PlaceOnDevice(product, Gpu(), "f32", full, 4e6).bottleneck, "compute");
  EXPECT_EQ(PlaceOnDevice(stream, Gpu(), "f32", full, 1e8).bottleneck, "latency");
}

TEST(PlaceOnDevice, MeasuresTheFractionByThePrecisionThatTheTaskAllows) {
  DeviceFeatures full;
  full.occupancy = 0.9;
  const Cost product{1e8, 1.4e11};
  EXPECT_GT(PlaceOnDevice(product, Gpu(), "f32", full, 4e6).fraction,
            5 * PlaceOnDevice(product, Gpu(), "bf16", full, 4e6).fraction);
}

TEST(PlaceOnDevice, BlamesAnEmptyDeviceForAMiddlingTime) {
  DeviceFeatures few;
  few.blocks_per_sm = 0.3;
  EXPECT_EQ(PlaceOnDevice({1e9, 1e9}, Gpu(), "f32", few, 1e6).bottleneck, "latency");
}

}  // namespace
}  // namespace ks
