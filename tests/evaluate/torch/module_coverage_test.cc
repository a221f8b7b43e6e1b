#include "evaluate/torch/module_coverage.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr const char* kSource =
    "@triton.jit\n"
    "def fused_gelu(x, out):\n"
    "    pass\n"
    "source = '''__global__ void scale_rows(float* x) {}'''\n"
    "def sm90_xmma_gemm_decoy(x):\n"
    "    pass\n";

TEST(ModuleCoverage, KnowsTheKernelsThatTheSourceDefines) {
  EXPECT_TRUE(IsOwnKernel("fused_gelu", kSource));
  EXPECT_TRUE(IsOwnKernel("void scale_rows<float>(float*)", kSource));
  EXPECT_FALSE(IsOwnKernel("fused", kSource));
  EXPECT_FALSE(IsOwnKernel("void at::native::vectorized_elementwise_kernel<4>(int)", kSource));
  EXPECT_FALSE(IsOwnKernel("Memcpy DtoD (Device -> Device)", kSource));
}

TEST(ModuleCoverage, BelievesNoDecoyWithTheNameOfALibrarysKernel) {
  EXPECT_FALSE(IsOwnKernel("sm90_xmma_gemm_decoy", kSource));
}

TEST(ModuleCoverage, IsTheShareOfTimeInOwnKernels) {
  const Json trace = {{{"name", "sm90_xmma_gemm_f32"}, {"count", 1}, {"ns", 7000}},
                      {{"name", "fused_gelu"}, {"count", 2}, {"ns", 3000}}};
  const auto activities = ActivitiesOf(trace, kSource);
  ASSERT_EQ(activities.size(), 2u);
  EXPECT_EQ(activities[0].name, "sm90_xmma_gemm_f32");
  EXPECT_TRUE(activities[1].own);
  EXPECT_DOUBLE_EQ(CoverageOf(activities), 0.3);
}

TEST(ModuleCoverage, CountsAlsoWhatIsNotShown) {
  Json trace = Json::array();
  for (int i = 0; i < 100; ++i) {
    trace.push_back({{"name", "at::kernel_" + std::to_string(i)}, {"count", 1}, {"ns", 10}});
  }
  trace.push_back({{"name", "fused_gelu"}, {"count", 1}, {"ns", 9}});
  auto activities = ActivitiesOf(trace, kSource);
  EXPECT_DOUBLE_EQ(CoverageOf(activities), 9 / 1009.0);
  KeepLongest(activities);
  EXPECT_EQ(activities.size(), kMostActivities);
}

TEST(ModuleCoverage, LeavesOutWhatIsNoTrace) {
  EXPECT_TRUE(ActivitiesOf("text", kSource).empty());
  EXPECT_TRUE(
      ActivitiesOf({1, "a", {{"name", 3}}, {{"name", "x"}, {"count", -1}}}, kSource).empty());
  EXPECT_DOUBLE_EQ(CoverageOf({}), -1);
}

}  // namespace
}  // namespace ks
