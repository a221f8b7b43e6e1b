#include "backend/device/program.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace ks {
namespace {

DeviceProgram SampleProgram() {
  DeviceProgram program;
  program.modules = {{ModuleKind::kCubin, std::string("\0ELF", 4), ""},
                     {ModuleKind::kOpenClSource, "kernel", "-DB=3"}};
  program.kernels = {{0, "f", 2, "f"}, {1, "mangled", 0, "g"}};
  BoundLaunch launch;
  launch.kernel = 1;
  launch.grid[0] = 7;
  launch.grid[2] = 3;
  launch.block[1] = 32;
  launch.shared_bytes = 4096;
  launch.cluster = 2;
  launch.cooperative = true;
  launch.args = {{BoundArgument::Kind::kScratch, 1, 0}, {BoundArgument::Kind::kInteger, 0, -5}};
  program.workloads = {{{16, 32}, {BoundClear{BoundArgument::Kind::kScratch, 1}, launch}},
                       {{}, {}}};
  return program;
}

TEST(DeviceProgram, ReadsWhatItWrote) {
  const std::string bytes = SerializeProgram(SampleProgram());
  const auto read = ParseProgram(bytes);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(SerializeProgram(*read), bytes);
  const auto& launch = *std::get_if<BoundLaunch>(&read->workloads[0].steps[1]);
  EXPECT_EQ(launch.grid[2], 3U);
  EXPECT_TRUE(launch.cooperative);
  EXPECT_EQ(launch.args[1].value, -5);
  EXPECT_EQ(read->modules[0].image.size(), 4U);
}

TEST(DeviceProgram, RefusesEveryPrefixAndWhatFollowsItsEnd) {
  const std::string bytes = SerializeProgram(SampleProgram());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseProgram(bytes.substr(0, size)).ok()) << size;
  }
  const auto longer = ParseProgram(bytes + "x");
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, ErrorCode::kDataLoss);
}

TEST(DeviceProgram, SurvivesAnyFlippedByte) {
  const std::string bytes = SerializeProgram(SampleProgram());
  Rng rng(7);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = bytes;
    const auto flips = 1 + rng.Below(4);
    for (uint64_t i = 0; i < flips; ++i) {
      damaged[rng.Below(damaged.size())] = static_cast<char>(rng.Next());
    }
    const auto read = ParseProgram(damaged);
    if (!read.ok()) continue;
    for (const DeviceKernel& kernel : read->kernels) {
      ASSERT_LT(kernel.module, read->modules.size());
    }
  }
}

TEST(DeviceProgram, RefusesIndicesThatPointNowhere) {
  DeviceProgram program = SampleProgram();
  program.kernels[0].module = 2;
  EXPECT_FALSE(ParseProgram(SerializeProgram(program)).ok());
  program = SampleProgram();
  std::get_if<BoundLaunch>(&program.workloads[0].steps[1])->kernel = 9;
  EXPECT_FALSE(ParseProgram(SerializeProgram(program)).ok());
  program = SampleProgram();
  std::get_if<BoundClear>(&program.workloads[0].steps[0])->index = 2;
  EXPECT_FALSE(ParseProgram(SerializeProgram(program)).ok());
  program = SampleProgram();
  std::get_if<BoundClear>(&program.workloads[0].steps[0])->kind = BoundArgument::Kind::kInput;
  EXPECT_FALSE(ParseProgram(SerializeProgram(program)).ok());
}

TEST(DeviceProgram, HashIsOfTheWorkNotOfTheNames) {
  DeviceProgram program = SampleProgram();
  const std::string hash = ProgramHash(program);
  EXPECT_EQ(hash.size(), 64U);
  program.kernels[1].name = "renamed";
  EXPECT_EQ(ProgramHash(program), hash);
  std::get_if<BoundLaunch>(&program.workloads[0].steps[1])->grid[0] = 8;
  EXPECT_NE(ProgramHash(program), hash);
}

}  // namespace
}  // namespace ks
