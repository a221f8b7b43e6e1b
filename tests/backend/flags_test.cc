#include "backend/cpu/flags.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

Machine SmallMachine() {
  Machine machine;
  machine.isa = {"avx", "avx2", "fma", "sse4_2"};
  machine.march_options = {"znver3", "x86-64-v3"};
  return machine;
}

bool Allowed(const std::string& flag, int threads = 1, bool reassociate = true) {
  Task task;
  task.max_threads = threads;
  task.allow_reassociation = reassociate;
  return !CheckFlags({flag}, task, SmallMachine()).has_value();
}

TEST(CheckFlags, AllowsCodeGenerationSwitches) {
  for (const char* flag : {"-O0",
                           "-O3",
                           "-Ofast",
                           "-march=znver3",
                           "-march=native",
                           "-mtune=x86-64-v3",
                           "-mtune=generic",
                           "-ffast-math",
                           "-fno-math-errno",
                           "-funroll-loops",
                           "-fno-tree-vectorize",
                           "-mprefer-vector-width=512",
                           "-mavx2",
                           "-mfma",
                           "-msse4.2",
                           "-mno-avx512f",
                           "--param=max-unroll-times=8",
                           "-falign-loops=32",
                           "-std=c++17",
                           "-DN=4",
                           "-DNAME",
                           "-DT=float",
                           "-fopenmp-simd"}) {
    EXPECT_TRUE(Allowed(flag)) << flag;
  }
}

TEST(CheckFlags, RefusesFilesLinkingPluginsAndInstrumentation) {
  for (const char* flag : {"-fplugin=x.so",
                           "-include",
                           "-I/etc",
                           "-L/tmp",
                           "-lm",
                           "-Wl,-z,execstack",
                           "-B/tmp",
                           "-specs=x",
                           "-wrapper",
                           "@file",
                           "/etc/passwd",
                           "other.cc",
                           "-o",
                           "-E",
                           "-S",
                           "-save-temps",
                           "-fprofile-use",
                           "-fprofile-generate",
                           "-pg",
                           "-g",
                           "-flto",
                           "-fsanitize=address",
                           "-dumpdir",
                           "-Xlinker",
                           "-Wa,-x",
                           "-x",
                           "-static",
                           "-nostdlib",
                           "-fdump-tree-all",
                           "-frandom-seed=1",
                           "-m32",
                           "-mx32",
                           "-DX=$(id)",
                           "-DX=';id'",
                           "-D",
                           "-std=evil",
                           "--param=ggc-min-expand=1",
                           "-finstrument-functions",
                           "-mavx512f",
                           "-march=x86-64-v4",
                           "-march=",
                           "-mprefer-vector-width=64",
                           "-funroll-loops;id",
                           "-fno-",
                           "-",
                           ""}) {
    EXPECT_FALSE(Allowed(flag)) << flag;
  }
}

TEST(CheckFlags, KnowsTheTaskAndNamesTheReason) {
  EXPECT_FALSE(Allowed("-fopenmp", 1));
  EXPECT_TRUE(Allowed("-fopenmp", 2));
  EXPECT_FALSE(Allowed("-pthread", 1));
  EXPECT_FALSE(Allowed("-ffast-math", 1, false));
  EXPECT_FALSE(Allowed("-Ofast", 1, false));
  const auto refused = CheckFlags({"-O2", "-mavx512f"}, Task{}, SmallMachine());
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->rule, "flag");
  EXPECT_NE(refused->evidence.find("-mavx512f: this machine does not have"), std::string::npos);
}

}  // namespace
}  // namespace ks
