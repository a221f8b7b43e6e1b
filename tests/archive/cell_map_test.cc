#include "archive/cell_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "archive/cpu_descriptor.h"
#include "archive/device_descriptor.h"
#include "base/rng.h"

namespace ks {
namespace {

Evaluation RandomEvaluation(Rng& rng) {
  Evaluation evaluation;
  CodeFeatures& features = evaluation.features;
  features.vector_bits = static_cast<int>(64U << rng.Below(4));
  features.loop_depth = static_cast<int>(rng.Below(8));
  features.loop_count = static_cast<int>(rng.Below(100));
  features.accumulators = static_cast<int>(rng.Below(40));
  features.uses_scratch = rng.Chance(0.3);
  features.uses_threads = rng.Chance(0.3);
  features.calls_in_loops = static_cast<int>(rng.Below(30));
  features.code_bytes = static_cast<int64_t>(rng.Below(100'000));
  DeviceFeatures& device = evaluation.device.emplace();
  device.threads_per_block = static_cast<int>(rng.Below(2000)) - 1;
  device.registers = static_cast<int>(rng.Below(300)) - 1;
  device.occupancy = rng.Uniform() * 1.5 - 0.2;
  device.launches = static_cast<int>(rng.Below(12));
  device.load_bits = static_cast<int>(rng.Below(200));
  device.uses_shared = rng.Chance(0.5);
  device.uses_async_copy = rng.Chance(0.3);
  device.uses_tensor_cores = rng.Chance(0.3);
  device.shared_bytes = static_cast<int64_t>(1024U << rng.Below(8));
  device.spill_bytes = static_cast<int64_t>(rng.Below(2));
  device.blocks_per_sm = 20 * rng.Uniform();
  return evaluation;
}

TEST(GridCells, GiveEveryCombinationOfBinsItsCell) {
  const DescriptorSpace space = CpuDescriptorSpace();
  const CellMap map = GridCells(space);
  EXPECT_EQ(map.size(), 4u * 5 * 4 * 4 * 2);
  Evaluation scalar, wide;
  wide.features.vector_bits = 512;
  EXPECT_NE(map.CellOf(scalar), map.CellOf(wide));
  EXPECT_EQ(map.CellOf(scalar), 0u);
}

TEST(GridCells, DistanceCountsStepsAsSharesOfTheirAxes) {
  const CellMap map = GridCells(CpuDescriptorSpace());
  Evaluation from, one, all;
  one.features.vector_bits = 128;  // one of three steps
  all.features.vector_bits = 512;
  const size_t a = map.CellOf(from), b = map.CellOf(one), c = map.CellOf(all);
  EXPECT_EQ(map.Distance(a, a), 0);
  EXPECT_EQ(3 * map.Distance(a, b), map.Distance(a, c));
  EXPECT_EQ(map.Distance(a, c), map.Distance(c, a));
  Evaluation threads;
  threads.features.uses_threads = true;
  EXPECT_EQ(map.Distance(a, map.CellOf(threads)), map.Distance(a, c))
      << "whole axes weigh the same";
}

class Spaces : public ::testing::TestWithParam<const char*> {};

TEST_P(Spaces, StayInsideTheirRangesForAnyFeatures) {
  const DescriptorSpace space = DescriptorSpaceOf(GetParam());
  Rng rng(3);
  for (int i = 0; i < 2000; ++i) {
    Evaluation evaluation = RandomEvaluation(rng);
    if (i % 100 == 0) {
      evaluation.device->occupancy = std::nan("");
      evaluation.device->blocks_per_sm = std::numeric_limits<double>::infinity();
    }
    const std::vector<double> place = space.place(evaluation);
    ASSERT_EQ(place.size(), space.dimensions.size());
    for (size_t d = 0; d < place.size(); ++d) {
      ASSERT_GE(place[d], 0) << space.dimensions[d].name;
      ASSERT_LE(place[d], 1) << space.dimensions[d].name;
    }
    const std::vector<int> bins = space.bins(evaluation);
    for (size_t a = 0; a < bins.size(); ++a) {
      ASSERT_GE(bins[a], 0);
      ASSERT_LT(static_cast<size_t>(bins[a]), space.axes[a].bins.size());
    }
  }
}

TEST_P(Spaces, AreCutIntoRegionsThatAreUsedAndTheSameEveryTime) {
  const DescriptorSpace space = DescriptorSpaceOf(GetParam());
  const CellMap one = CvtCells(space, 64), two = CvtCells(space, 64);
  Rng rng(7);
  std::set<size_t> used;
  for (int i = 0; i < 3000; ++i) {
    const Evaluation evaluation = RandomEvaluation(rng);
    const size_t cell = one.CellOf(evaluation);
    ASSERT_EQ(cell, two.CellOf(evaluation));
    used.insert(cell);
  }
  EXPECT_EQ(one.size(), 64u);
  EXPECT_GT(used.size(), 20u);
}

INSTANTIATE_TEST_SUITE_P(Backends, Spaces, ::testing::Values("cpu", "cuda"));

TEST(CvtCells, PutNearbyStrategiesTogetherAndFarOnesApart) {
  const DescriptorSpace space = CpuDescriptorSpace();
  const CellMap map = CvtCells(space, 32);
  Evaluation plain, nearly, far;
  plain.features.code_bytes = 3000;
  nearly.features.code_bytes = 3001;
  far.features = {.vector_bits = 512,
                  .loop_depth = 6,
                  .loop_count = 40,
                  .uses_prefetch = true,
                  .uses_threads = true,
                  .accumulators = 16};
  EXPECT_EQ(map.CellOf(plain), map.CellOf(nearly));
  EXPECT_NE(map.CellOf(plain), map.CellOf(far));
  EXPECT_GT(map.Distance(map.CellOf(plain), map.CellOf(far)), 0);
}

TEST(CvtCells, HaveOneRegionWhenOneIsAskedFor) {
  EXPECT_EQ(CvtCells(DeviceDescriptorSpace(), 1).CellOf(Evaluation{}), 0u);
}

}  // namespace
}  // namespace ks
