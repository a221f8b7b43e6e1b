#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "backend/device/program.h"

namespace ks {
namespace {

constexpr const char* kGolden = KS_SOURCE_DIR "/tests/golden/device_program_v1.bin";

DeviceProgram Sample() {
  DeviceProgram program;
  program.modules = {{ModuleKind::kCubin,
                      std::string("\x7f"
                                  "ELF\0\1",
                                  6),
                      ""},
                     {ModuleKind::kOpenClSource, "__kernel void k() {}", "-cl-fast-relaxed-math"}};
  program.kernels = {{0, "_Z1kIfLi4EEvPf", 2, "k<float, 4>"}, {1, "k", 0, "k"}};
  BoundLaunch launch;
  launch.kernel = 1;
  launch.grid[0] = 7;
  launch.grid[1] = 2;
  launch.block[0] = 128;
  launch.shared_bytes = 4096;
  launch.cluster = 2;
  launch.cooperative = true;
  launch.args = {{BoundArgument::Kind::kInput, 1, 0},
                 {BoundArgument::Kind::kScalar, 0, 0},
                 {BoundArgument::Kind::kScratch, 0, 0},
                 {BoundArgument::Kind::kInteger, 0, -5}};
  DeviceWorkload workload;
  workload.scratch_bytes = {1024};
  workload.steps = {BoundClear{BoundArgument::Kind::kScratch, 0}, launch};
  program.workloads = {workload, {}};
  return program;
}

std::string GoldenBytes() {
  std::ifstream file(kGolden, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(DeviceProgramFormat, StaysAsItWas) {
  const std::string written = SerializeProgram(Sample());
  const std::string path = testing::TempDir() + "device_program_v1.bin";
  if (written != GoldenBytes()) std::ofstream(path, std::ios::binary) << written;
  ASSERT_EQ(written, GoldenBytes()) << "a new format needs a new version; written to " << path;
}

TEST(DeviceProgramFormat, ReadsTheGoldenFile) {
  const auto program = ParseProgram(GoldenBytes());
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(SerializeProgram(*program), GoldenBytes());
  EXPECT_EQ(program->kernels[0].hidden_args, 2u);
  EXPECT_EQ(ProgramHash(*program), ProgramHash(Sample()));
}

}  // namespace
}  // namespace ks
