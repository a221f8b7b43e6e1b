// One runner, seen through DeviceRunner: what a call computes, and what becomes of bad kernels.
#include <cmath>

#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

TEST_P(DeviceRunnerTest, RightKernelGivesTheRightOutput) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto result = CallOnce(*runner, MakeScale(kScaleKernel));
  const DeviceCall* call = Expect<DeviceCall>(result);
  ASSERT_NE(call, nullptr);
  const auto c = Floats(call->outputs.at(0));
  ASSERT_EQ(c.size(), 1000U);
  for (size_t i = 0; i < c.size(); ++i) ASSERT_EQ(c[i], 1.5F * static_cast<float>(i));
  EXPECT_GT(call->device_ns, 0);
  EXPECT_LT(call->device_ns, 1e9);
  EXPECT_TRUE(runner->alive());
}

INSTANTIATE_TEST_SUITE_P(Apis, DeviceRunnerTest, testing::Values("opencl"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace ks
