#include "archive/cpu_descriptor.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(CpuDescriptor, SeparatesStrategies) {
  CodeFeatures naive;
  naive.loop_depth = 3;
  EXPECT_EQ(CpuBins(naive), (std::vector<int>{0, 2, 0, 0, 0}));
  CodeFeatures packed;
  packed.vector_bits = 256;
  packed.loop_depth = 6;
  packed.accumulators = 12;
  packed.uses_scratch = true;
  packed.uses_threads = true;
  EXPECT_EQ(CpuBins(packed), (std::vector<int>{2, 4, 3, 1, 1}));
  CodeFeatures streaming;
  streaming.vector_bits = 512;
  streaming.accumulators = 2;
  streaming.uses_gather = true;
  streaming.uses_nontemporal = true;
  EXPECT_EQ(CpuBins(streaming), (std::vector<int>{3, 0, 1, 3, 0}));
}

TEST(CpuDescriptor, StaysInsideItsAxesForAnyFeatures) {
  const auto axes = CpuDescriptorAxes();
  for (int value : {-1, 0, 1, 2, 4, 5, 8, 9, 64, 128, 256, 512, 2048}) {
    CodeFeatures features;
    features.vector_bits = features.loop_depth = features.accumulators = value;
    features.uses_gather = value > 4;
    features.uses_threads = value > 8;
    const auto bins = CpuBins(features);
    ASSERT_EQ(bins.size(), axes.size());
    for (size_t i = 0; i < bins.size(); ++i) {
      EXPECT_GE(bins[i], 0);
      EXPECT_LT(static_cast<size_t>(bins[i]), axes[i].bins.size());
    }
  }
}

}  // namespace
}  // namespace ks
