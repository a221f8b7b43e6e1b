// Device runners that another program starts, with a stand-in for the profiler.
#include "backend/device/profiled_call.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

class ProfiledCallTest : public DeviceRunnerTest {
 protected:
  void SetUp() override {
    DeviceRunnerTest::SetUp();
    std::string path = (std::filesystem::temp_directory_path() / "ks_profiler_XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    folder_ = path;
    options_.folder = path;
    options_.runner.api = api();
    options_.runner.thread = &clones_;
    options_.runner.env = {"HOME=" + path, "TMPDIR=" + path, "POCL_CACHE_DIR=" + path + "/pocl"};
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // `body` runs with $target, $report and $metrics set.
  void Profiler(const std::string& body) {
    options_.program = folder_ / "ncu";
    std::ofstream(options_.program)
        << "#!/bin/sh\nfor target; do :; done\nwhile [ $# -gt 0 ]; do\n"
           "  [ \"$1\" = --log-file ] && report=$2\n  [ \"$1\" = --metrics ] && metrics=$2\n"
           "  shift\ndone\n"
        << body;
    ASSERT_EQ(chmod(options_.program.c_str(), 0700), 0);
  }

  Result<std::string> Profile(const CompiledKernel& kernel) {
    const std::vector<Bytes> inputs = Contents(0);
    return ProfileOneCall(options_, {task_, kernel, 0, inputs, "a__b.sum,c__d.avg"}, {});
  }
  // Nothing but the stand-in and the driver's cache.
  size_t Leftovers() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      count += entry.path().filename().string().starts_with("ksmith-profile") ? 1 : 0;
    }
    return count;
  }

  std::filesystem::path folder_;
  CloneThread clones_;
  ProfilerOptions options_;
};

TEST_P(ProfiledCallTest, MakesOneCallAndReadsTheReportWhenTheRunnerHasEnded) {
  Profiler("\"$target\" || exit 1\necho \"asked for $metrics\" > \"$report\"\n");
  const auto report = Profile(MakeScale(kScaleKernel));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(*report, "asked for a__b.sum,c__d.avg\n");
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_P(ProfiledCallTest, SaysThatThereIsNoReport) {
  Profiler("exec \"$target\"\n");
  const auto report = Profile(MakeScale(kScaleKernel));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(report.error().message.find("wrote no report"), std::string::npos);
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_P(ProfiledCallTest, AProfilerThatDoesNotStartTheRunnerIsAnError) {
  Profiler("exit 3\n");
  const auto report = Profile(MakeScale(kScaleKernel));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable) << report.error().message;
  EXPECT_EQ(Leftovers(), 0u);
}

TEST_P(ProfiledCallTest, ACandidateThatFailsThereIsAnError) {
  Profiler("\"$target\"\necho late > \"$report\"\n");
  const auto report = Profile(MakeScale("KERNEL scale(GLOBAL float* a) { this is no code }"));
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable) << report.error().message;
}

TEST_P(ProfiledCallTest, WithoutAProfilerNothingIsStarted) {
  options_.program.clear();
  const auto report = Profile(MakeScale(kScaleKernel));
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("no profiler"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Apis, ProfiledCallTest, testing::Values("opencl"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace ks
