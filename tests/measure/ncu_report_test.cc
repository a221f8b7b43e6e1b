#include "measure/ncu_report.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "measure/device_roofline.h"

namespace ks {
namespace {

// As the profiler writes it: a header, a line of units, a line a launch. Lines of its own around.
const char kHead[] =
    "==PROF== Connected to process 4211 (/tmp/ksmith-device-runner)\n"
    "==PROF== Profiling \"ks_prepare\" - 0: 0%....50%....100% - 3 passes\n"
    "\"ID\",\"Process ID\",\"Process Name\",\"Host Name\",\"Kernel "
    "Name\",\"Context\",\"Stream\",\"Block "
    "Size\",\"Grid Size\",\"Device\",\"CC\",\"dram__bytes.sum\","
    "\"gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed\",\"gpu__time_duration."
    "sum\","
    "\"launch__registers_per_thread\",\"sm__throughput.avg.pct_of_peak_sustained_elapsed\"\n"
    "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"byte\",\"%\",\"ns\",\"register/"
    "thread\",\"%\"\n";

std::string Row(const std::string& kernel, const std::string& memory, const std::string& ns,
                const std::string& compute) {
  return "\"1\",\"4211\",\"ksmith-device-runner\",\"127.0.0.1\",\"" + kernel +
         "\",\"1\",\"7\",\"(256, 1, 1)\",\"(16,384, 1, 1)\",\"0\",\"9.0\",\"536,870,912\",\"" +
         memory + "\",\"" + ns + "\",\"32\",\"" + compute + "\"\n";
}

TEST(NcuReport, TakesTheCandidatesLaunchesAndLeavesTheHelpers) {
  const std::string text =
      kHead + Row("ks_prepare(void *)", "5.0", "9,000", "3.0") +
      Row("softmax(const float *, float *, int, int)", "91.5", "131,072.5", "22.1") +
      "==PROF== Disconnected from process 4211\n";
  const auto launches = ParseNcuReport(text, {"softmax"});
  ASSERT_TRUE(launches.ok()) << launches.error().message;
  ASSERT_EQ(launches->size(), 1u);
  EXPECT_EQ(launches->at(0).kernel, "softmax");
  EXPECT_EQ(launches->at(0).values.at("dram__bytes.sum"), 536870912);
  EXPECT_EQ(launches->at(0).values.at("gpu__time_duration.sum"), 131072.5);
  EXPECT_EQ(launches->at(0).units.at("dram__bytes.sum"), "byte");
}

TEST(NcuReport, KnowsTemplatesAndNamespaces) {
  const std::string text = kHead + Row("void mine::rows<(int)4>(float *)", "10", "1", "10");
  const auto launches = ParseNcuReport(text, {"rows"});
  EXPECT_TRUE(launches.ok()) << launches.error().message;
}

TEST(NcuReport, SaysWhatTheProfilerSaid) {
  const auto refused = ParseNcuReport(
      "==PROF== Connected to process 7\n==ERROR== ERR_NVGPUCTRPERM - The user does not have "
      "permission to access NVIDIA GPU Performance Counters\n",
      {"softmax"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("ERR_NVGPUCTRPERM"), std::string::npos);
  EXPECT_FALSE(ParseNcuReport("", {"softmax"}).ok());
  EXPECT_FALSE(ParseNcuReport(kHead, {"softmax"}).ok()) << "no launch";
  EXPECT_FALSE(ParseNcuReport(std::string(kHead) + "\"1\",\"cut", {"softmax"}).ok());
  EXPECT_FALSE(ParseNcuReport("\"ID\",\"Process ID\"\n", {"softmax"}).ok()) << "no names";
}

TEST(NcuReport, LeavesOutWhatIsNoNumber) {
  const std::string text = kHead + Row("softmax", "n/a", "nan", "22.1");
  const auto launches = ParseNcuReport(text, {"softmax"});
  ASSERT_TRUE(launches.ok());
  EXPECT_EQ(launches->at(0).values.count("gpu__time_duration.sum"), 0u);
  EXPECT_EQ(launches->at(0).values.count("sm__throughput.avg.pct_of_peak_sustained_elapsed"), 1u);
}

std::string BottleneckOf(const std::string& memory, const std::string& compute) {
  const auto launches = ParseNcuReport(kHead + Row("k", memory, "100", compute), {"k"});
  return launches.ok() ? ProfileFromCounters(*launches).bottleneck : launches.error().message;
}

TEST(NcuProfile, NamesTheBusierSideOrNeither) {
  EXPECT_EQ(BottleneckOf("91", "20"), "memory");
  EXPECT_EQ(BottleneckOf("30", "75"), "compute");
  EXPECT_EQ(BottleneckOf("41", "35"), "latency");
  EXPECT_EQ(BottleneckOf("n/a", "n/a"), "unknown");
}

TEST(NcuProfile, DescribesTheLaunchThatTakesLongest) {
  const auto launches =
      ParseNcuReport(kHead + Row("a", "10", "100", "10") + Row("b", "80", "300", "10"), {"a", "b"});
  ASSERT_TRUE(launches.ok());
  const DeviceProfile profile = ProfileFromCounters(*launches);
  EXPECT_EQ(profile.kernel, "b");
  EXPECT_EQ(profile.source, "ncu");
  EXPECT_DOUBLE_EQ(profile.roofline_fraction, 0.8);
  ASSERT_FALSE(profile.facts.empty());
  EXPECT_EQ(profile.facts.front(), (ProfileFact{"duration", 300, "ns"}));
  EXPECT_EQ(profile.facts.back(), (ProfileFact{"share of the call's launches", 75, "%"}));
}

TEST(NcuProfile, AsksForEveryCounterOnce) {
  const std::string list = NcuMetricList();
  for (const NcuCounter& counter : NcuCounters()) {
    const size_t first = list.find(counter.metric);
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(list.find(counter.metric, first + 1), std::string::npos) << counter.metric;
  }
}

TEST(ModelProfile, SaysWhichResourceLimitsOccupancy) {
  Machine machine;
  machine.device.emplace();
  machine.device->copy_gbytes_per_s = 4000;
  machine.device->peak_gflops_f32 = 60000;
  machine.device->threads_per_sm = 2048;
  machine.device->registers_per_sm = 65536;
  machine.device->shared_bytes_per_sm = 228 << 10;
  DeviceFeatures features;
  features.threads_per_block = 256;
  features.registers = 128;
  features.shared_bytes = 100 << 10;
  features.occupancy = 0.25;
  features.blocks_per_sm = 20;
  const Cost cost = {.bytes = 4e9, .flops = 1e6};
  const DeviceProfile profile = ProfileFromModel(cost, machine, "f32", features, 1.25e6);
  EXPECT_EQ(profile.source, "model");
  EXPECT_EQ(profile.bottleneck, "memory");
  EXPECT_DOUBLE_EQ(profile.roofline_fraction, 0.8);
  const auto fact = [&](const std::string& name) {
    for (const ProfileFact& one : profile.facts) {
      if (one.name == name) return one.value;
    }
    return -1.0;
  };
  EXPECT_DOUBLE_EQ(fact("occupancy that registers admit"), 25);
  EXPECT_DOUBLE_EQ(fact("occupancy that shared memory admits"), 25);
  EXPECT_DOUBLE_EQ(fact("memory throughput"), 3200);
  EXPECT_EQ(fact("spilled a thread"), -1) << "nothing is spilled";
}

}  // namespace
}  // namespace ks
