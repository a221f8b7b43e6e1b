#include "backend/cpu/machine.h"

#include <cstdio>

#include "backend/cpu/ceilings.h"
#include "tests/backend/cpu_fixture.h"

namespace ks {
namespace {

class CpuMachine : public CpuBackendTest {};

TEST_F(CpuMachine, KnowsItsProcessorAndCompilers) {
  const Machine& machine = backend_->machine();
  EXPECT_FALSE(machine.cpu.empty());
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.l1d_bytes, 0);
  EXPECT_GT(machine.memory_bytes, 0);
  EXPECT_FALSE(machine.compilers.empty());
  EXPECT_EQ(machine.id.size(), 16u);
}

TEST_F(CpuMachine, EveryOfferedArchitectureRunsHere) {
  const Machine& machine = backend_->machine();
  ASSERT_FALSE(machine.march_options.empty());
  for (const std::string& march : machine.march_options) {
    const CallOutcome outcome = Run(
        ScaleTask(), "// ksmith: flags -O3 -march=" + march + "\n" + ScaleKernel(kScaleLoop), 2);
    EXPECT_TRUE(std::holds_alternative<CallTiming>(outcome)) << march;
  }
}

TEST_F(CpuMachine, MeasuresPlausibleCeilings) {
  const Ceilings ceilings = MeasureCeilings(backend_->machine());
  std::printf("ceilings: %.1f GFLOP/s, %.1f GB/s\n", ceilings.peak_gflops_f32,
              ceilings.copy_gbytes_per_s);
  EXPECT_GT(ceilings.peak_gflops_f32, 1);
  EXPECT_LT(ceilings.peak_gflops_f32, 2000);
  EXPECT_GT(ceilings.copy_gbytes_per_s, 0.5);
  EXPECT_LT(ceilings.copy_gbytes_per_s, 2000);
}

}  // namespace
}  // namespace ks
