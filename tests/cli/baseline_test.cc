#include "cli/baseline.h"

#include <gtest/gtest.h>

#include <set>

#include "core/kernel_source.h"

namespace ks {
namespace {

Task SmallTask(bool allow_reassociation) {
  Task task;
  task.name = "t";
  task.allow_reassociation = allow_reassociation;
  task.seeds = {{"cpu", "seed.cc", "extern \"C\" void t() {}\n"}};
  return task;
}

Machine WithBoth() {
  Machine machine;
  machine.compilers = {"g++ 12.2.0", "clang++ 14.0.6"};
  machine.march_options = {"znver3", "x86-64-v3"};
  machine.vector_bits = 256;
  return machine;
}

bool Uses(const std::string& source, const std::string& flag) {
  const BuildDirectives directives = ParseBuildDirectives(source);
  return std::find(directives.flags.begin(), directives.flags.end(), flag) !=
         directives.flags.end();
}

TEST(BaselineVariants, OfAModuleAreItsSeedsEachOnce) {
  Task task = SmallTask(true);
  task.seeds = {{"torch", "m.py", "eager"}, {"torch", "a.py", "fused"}, {"torch", "b.py", "eager"}};
  const auto variants = BaselineVariants(task, "torch", WithBoth());
  ASSERT_TRUE(variants.ok());
  EXPECT_EQ(*variants, (std::vector<std::string>{"eager", "fused"}));
}

TEST(BaselineVariants, BeginWithTheSeedAsWrittenAndAllDiffer) {
  const Result<std::vector<std::string>> variants =
      BaselineVariants(SmallTask(true), "cpu", WithBoth());
  ASSERT_TRUE(variants.ok());
  EXPECT_EQ(variants->front(), "extern \"C\" void t() {}\n");
  EXPECT_EQ(std::set<std::string>(variants->begin(), variants->end()).size(), variants->size());
  EXPECT_GE(variants->size(), 5u);
}

TEST(BaselineVariants, TryFastMathsOnlyWhereTheTaskAdmitsIt) {
  const auto strict = BaselineVariants(SmallTask(false), "cpu", WithBoth());
  for (const std::string& source : *strict) EXPECT_FALSE(Uses(source, "-ffast-math"));
  const auto loose = BaselineVariants(SmallTask(true), "cpu", WithBoth());
  EXPECT_TRUE(std::any_of(loose->begin(), loose->end(),
                          [](const std::string& s) { return Uses(s, "-ffast-math"); }));
}

TEST(BaselineVariants, NameOnlyCompilersAndInstructionSetsThatAreHere) {
  Machine machine = WithBoth();
  machine.compilers = {"g++ 12.2.0"};
  machine.march_options.clear();
  const auto variants = BaselineVariants(SmallTask(true), "cpu", machine);
  for (const std::string& source : *variants) {
    EXPECT_EQ(ParseBuildDirectives(source).compiler, "g++");
    EXPECT_EQ(source.find("-march"), std::string::npos);
  }
}

TEST(BaselineVariants, OfADeviceAreTheSeedAndRelaxedArithmetic) {
  Task task = SmallTask(true);
  task.seeds = {{"opencl", "seed.cl", "__kernel void t() {}\n"},
                {"cuda", "seed.cu", "// ksmith: flags --maxrregcount=64\nvoid t();\n"},
                {"triton", "seed.py", "import triton\n"}};
  EXPECT_EQ(
      *BaselineVariants(task, "opencl", {}),
      (std::vector<std::string>{"__kernel void t() {}\n",
                                "// ksmith: flags -cl-fast-relaxed-math\n__kernel void t() {}\n"}));
  EXPECT_EQ(BaselineVariants(task, "cuda", {})->back(),
            "// ksmith: flags --maxrregcount=64 --use_fast_math\nvoid t();\n");
  EXPECT_EQ(BaselineVariants(task, "triton", {})->size(), 1U);
  task.allow_reassociation = false;
  EXPECT_EQ(BaselineVariants(task, "opencl", {})->size(), 1U);
}

TEST(BaselineVariants, RefuseABackendWithoutASeed) {
  EXPECT_EQ(BaselineVariants(SmallTask(true), "cuda", WithBoth()).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ks
