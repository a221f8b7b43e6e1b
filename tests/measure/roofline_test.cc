#include "measure/roofline.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

Machine ZenLike() {
  Machine machine;
  machine.vector_bits = 256;
  machine.l2_bytes = 512 << 10;
  machine.peak_gflops_f32 = 110;
  machine.copy_gbytes_per_s = 20;
  return machine;
}

TEST(Roofline, FloorLiesBelowTheBestKnownMatmul) {
  const Cost cost{3.0 * 512 * 512 * 4, 2.0 * 512 * 512 * 512};
  const double at_113_gflops = cost.flops / 113;
  EXPECT_LT(FloorNs(cost, ZenLike(), 1), at_113_gflops / 3);
  EXPECT_GT(FloorNs(cost, ZenLike(), 1), at_113_gflops / 30);
}

TEST(Roofline, FloorLiesBelowACopyThatStaysInTheSecondLevelCache) {
  const Cost cost{256.0 * 1024, 0};
  const double at_64_bytes_a_cycle = cost.bytes / 64 / 3.5;
  EXPECT_LT(FloorNs(cost, ZenLike(), 1), at_64_bytes_a_cycle / 2);
}

TEST(Roofline, FloorCatchesAKernelThatLeavesOutNineTenths) {
  const Cost cost{64.0 * 1024 * 1024, 0};
  const double honest_ns = cost.bytes / 20;
  EXPECT_GT(FloorNs(cost, ZenLike(), 1), honest_ns / 100);
}

TEST(Roofline, FloorFallsWithMoreThreadsAndIsZeroWithoutACost) {
  const Cost cost{3.0 * 512 * 512 * 4, 2.0 * 512 * 512 * 512};
  EXPECT_DOUBLE_EQ(FloorNs(cost, ZenLike(), 2), FloorNs(cost, ZenLike(), 1) / 2);
  EXPECT_EQ(FloorNs(Cost{}, ZenLike(), 1), 0);
}

TEST(Roofline, NamesTheNearerCeiling) {
  const Cost matmul{3.0 * 512 * 512 * 4, 2.0 * 512 * 512 * 512};
  const RooflinePlace compute = PlaceUnderRoofline(matmul, ZenLike(), 1, matmul.flops / 100);
  EXPECT_EQ(compute.bottleneck, "compute");
  EXPECT_NEAR(compute.fraction, 100.0 / 110, 1e-9);
  const Cost copy{1e6, 1e5};
  EXPECT_EQ(PlaceUnderRoofline(copy, ZenLike(), 1, 1e6 / 10).bottleneck, "memory");
}

TEST(Roofline, CallsAKernelFarFromBothCeilingsLatencyBound) {
  const Cost matmul{3.0 * 512 * 512 * 4, 2.0 * 512 * 512 * 512};
  EXPECT_EQ(PlaceUnderRoofline(matmul, ZenLike(), 1, matmul.flops / 0.6).bottleneck, "latency");
}

TEST(Roofline, SaysUnknownWithoutCeilingsAndNeverMoreThanOne) {
  EXPECT_EQ(PlaceUnderRoofline({1e6, 1e6}, Machine{}, 1, 1e6).bottleneck, "unknown");
  EXPECT_EQ(PlaceUnderRoofline({1e6, 1e6}, ZenLike(), 1, 1.0).fraction, 1.0);
}

}  // namespace
}  // namespace ks
