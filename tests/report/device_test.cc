// What people and programs are shown of a device and of kernels on it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/html.h"
#include "report/show.h"
#include "tests/report/sample_run.h"

namespace ks {
namespace {

using nlohmann::json;

DeviceInfo SomeDevice() {
  DeviceInfo device;
  device.name = "Some <b>GPU</b>\x1b[1m";
  device.api = "cuda";
  device.arch = "sm_90";
  device.driver = "580.1";
  device.index = 1;
  device.sm_count = 132;
  device.memory_bytes = int64_t{80} << 30;
  device.copy_gbytes_per_s = 4300;
  return device;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(DeviceReport, ShowNamesTheDeviceOfARun) {
  testing::SampleRun run = testing::MakeSampleRun(20);
  run.view.started.machine.device = SomeDevice();
  const ShowInput input{&run.view, "runs/x", run.cells, run.axes, ""};
  const std::string text = ShowText(input, {});
  EXPECT_TRUE(Contains(text, "Some <b>GPU</b>")) << text;
  EXPECT_TRUE(Contains(text, "sm_90")) << text;
  EXPECT_FALSE(Contains(text, "\x1b"));
  const json shown = json::parse(ShowJson(input));
  EXPECT_EQ(shown["machine"]["device"]["sm_count"], 132);
  EXPECT_EQ(shown["machine"]["device"]["index"], 1);
  run.view.started.machine.device.reset();
  EXPECT_TRUE(json::parse(ShowJson(input))["machine"]["device"].is_null());
}

TEST(DeviceReport, HtmlNamesTheDeviceEscaped) {
  testing::SampleRun run = testing::MakeSampleRun(20);
  run.view.started.machine.device = SomeDevice();
  ReportInput input;
  input.run = {&run.view, "runs/x", run.cells, run.axes, ""};
  input.source = [&](const std::string& hash) { return run.Source(hash); };
  const Result<std::string> html = HtmlReport(input);
  ASSERT_TRUE(html.ok());
  EXPECT_TRUE(Contains(*html, "Some &lt;b&gt;GPU&lt;/b&gt;"));
  EXPECT_FALSE(Contains(*html, "Some <b>GPU"));
}

TEST(DeviceReport, AnEvaluationShowsWhatTheDriverSaw) {
  Evaluation evaluation;
  evaluation.outcome = Measured{};
  evaluation.binary_hash = "abc";
  evaluation.compiler = "nvrtc 13.0";
  evaluation.device = DeviceFeatures{};
  evaluation.device->launches = 2;
  evaluation.device->registers = 168;
  evaluation.device->spill_bytes = 24;
  evaluation.device->shared_bytes = 32768;
  evaluation.device->occupancy = 0.375;
  evaluation.device->uses_tensor_cores = true;
  const EvaluationInput input{&evaluation, "matmul", "cuda", "k.cu", "", true};
  const std::string text = EvaluationText(input, {});
  for (const char* part :
       {"2 launches", "168 registers", "24 B spilled", "occupancy", "tensor cores", "nvrtc 13.0"}) {
    EXPECT_TRUE(Contains(text, part)) << part << "\n" << text;
  }
  EXPECT_FALSE(Contains(text, "loops")) << "that is for CPU code";
  const json shown = json::parse(EvaluationJson(input));
  EXPECT_TRUE(shown["features"].is_null());
  EXPECT_EQ(shown["device"]["registers"], 168);
  EXPECT_EQ(shown["device"]["tensor_cores"], true);
}

TEST(DeviceReport, ListsDevicesAndReasonsForTheirAbsence) {
  const std::vector<DeviceListing> found = {{"cuda", {"cuda", "triton"}, {SomeDevice()}, ""},
                                            {"opencl", {"opencl"}, {}, "no OpenCL loader"}};
  const std::string text = DevicesTable(found, {});
  EXPECT_TRUE(Contains(text, "cuda, triton")) << text;
  EXPECT_TRUE(Contains(text, "opencl: no OpenCL loader")) << text;
  const json listed = json::parse(DevicesJson(found));
  EXPECT_EQ(listed["format"], 1);
  EXPECT_EQ(listed["apis"][0]["devices"][0]["arch"], "sm_90");
  EXPECT_EQ(listed["apis"][1]["problem"], "no OpenCL loader");
  EXPECT_EQ(DevicesTable({{"opencl", {"opencl"}, {}, "none"}}, {}), "opencl: none\n");
}

}  // namespace
}  // namespace ks
