#include "backend/torch/module_device.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(VisibleDevice, CountsWhatTheVariableLetsThrough) {
  EXPECT_EQ(VisibleDevice(std::nullopt, 2).value_or("?"), "2");
  EXPECT_EQ(VisibleDevice("3", 0).value_or("?"), "3");
  EXPECT_EQ(VisibleDevice("3, GPU-5d2c", 1).value_or("?"), "GPU-5d2c");
  EXPECT_EQ(VisibleDevice("1,-1,0", 0).value_or("?"), "1");
}

TEST(VisibleDevice, HiddenDevicesAreNoDevices) {
  for (const char* hidden : {"", "-1", ",", "-1,0"}) {
    const Result<std::string> found = VisibleDevice(hidden, 0);
    ASSERT_FALSE(found.ok()) << hidden;
    EXPECT_EQ(found.error().code, ErrorCode::kFailedPrecondition) << hidden;
    EXPECT_NE(found.error().message.find("hides all of them"), std::string::npos);
  }
}

TEST(VisibleDevice, MoreThanThereAreIsWrongUsage) {
  for (const char* visible : {"3", "3,-1,4"}) {
    const Result<std::string> found = VisibleDevice(visible, 1);
    ASSERT_FALSE(found.ok()) << visible;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument) << visible;
  }
  EXPECT_FALSE(VisibleDevice("3", -1).ok());
}

}  // namespace
}  // namespace ks
