#include "cli/local_source.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

Error Refusal(const std::vector<std::string>& backends, const std::vector<std::string>& devices) {
  const auto source = LocalEvaluatorSource::Open(backends, devices);
  return source.ok() ? Error{ErrorCode::kInternal, "opened"} : source.error();
}

TEST(LocalEvaluatorSource, RefusesWhatIsNoDeviceOfItsBackends) {
  for (const char* device : {"cpu:x", "cpu:", "cpu:-1", "cpu:99999", "cpu:1"}) {
    EXPECT_EQ(Refusal({"cpu"}, {device}).code, ErrorCode::kInvalidArgument) << device;
  }
  EXPECT_NE(Refusal({"cpu"}, {"cuda:0"}).message.find("--backend"), std::string::npos);
  EXPECT_EQ(Refusal({"nosuch"}, {}).code, ErrorCode::kInvalidArgument);
}

TEST(LocalEvaluatorSource, ServesTheFirstDeviceOfABackend) {
  const auto source = LocalEvaluatorSource::Open({"cpu"}, {});
  if (!source.ok()) GTEST_SKIP() << source.error().message;
  ASSERT_EQ((*source)->devices().size(), 1u);
  EXPECT_EQ((*source)->devices()[0].id, "cpu");
  EXPECT_FALSE((*source)->devices()[0].check_needs_lease);
  EXPECT_FALSE((*source)->devices()[0].machine.id.empty());
}

}  // namespace
}  // namespace ks
