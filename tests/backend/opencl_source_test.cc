#include "backend/opencl/opencl_source.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

std::string OptionsOf(const std::vector<std::string>& flags, bool relaxed = true) {
  Task task;
  task.allow_reassociation = relaxed;
  const auto options = OpenClBuildOptions(flags, {{"BLOCK", 64}}, task);
  if (const auto* rejected = std::get_if<Rejected>(&options)) {
    return "rejected: " + rejected->rule + ": " + rejected->evidence;
  }
  return std::get<std::string>(options);
}

TEST(OpenClBuildOptions, HoldsFlagsAndConstants) {
  const std::string options = OptionsOf({"-O2", "-cl-fast-relaxed-math", "-DW=-4", "-DFAST"});
  EXPECT_NE(options.find("-cl-std=CL1.2"), std::string::npos);
  EXPECT_TRUE(options.ends_with("-cl-fast-relaxed-math -DW=-4 -DFAST -DBLOCK=64")) << options;
  EXPECT_EQ(options.find("-O2"), std::string::npos);
}

TEST(OpenClBuildOptions, RefusesEverythingElse) {
  for (const char* flag : {"-I/etc", "-include", "-fplugin=x", "-DX=__FILE__", "-D1=2", "-D",
                           "-cl-opt-disable;ls", "-x", "-save-temps"}) {
    EXPECT_TRUE(OptionsOf({flag}).starts_with("rejected: flag")) << flag;
  }
  EXPECT_TRUE(OptionsOf({"-cl-mad-enable"}, false).starts_with("rejected: flag"));
}

TEST(ParseOpenClLog, FindsPlacesInTheWaysOfClang) {
  const auto found = ParseOpenClLog(
      "error: /cache/tempfile_ab:cd.cl:7:12: use of undeclared identifier 'alhpa'\n"
      "input.cl:3:1: warning: unused variable 'x'\n<kernel>:2:5: fatal error: too many errors\n"
      "1 error generated\n   y = alhpa;\n");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].severity, "warning");
  EXPECT_EQ(found[1].line, 3);
  EXPECT_EQ(found[2].message, "too many errors");
}

TEST(ParseOpenClLog, GivesNothingForForeignText) {
  EXPECT_TRUE(ParseOpenClLog("ptxas fatal: something at 12\n::::\n1:2\n").empty());
}

TEST(NoteOpenClWords, ReadsTheCodeAndNotTheComments) {
  DeviceFeatures features;
  NoteOpenClWords("// __local float16\n/* atomic_add */ float2 v = vload2(0, x);", features);
  EXPECT_FALSE(features.uses_shared);
  EXPECT_FALSE(features.uses_atomics);
  EXPECT_EQ(features.load_bits, 64);
  NoteOpenClWords("__local float tile[4]; atomic_inc(p); float8 w;", features);
  EXPECT_TRUE(features.uses_shared);
  EXPECT_TRUE(features.uses_atomics);
  EXPECT_EQ(features.load_bits, 128);
}

}  // namespace
}  // namespace ks
