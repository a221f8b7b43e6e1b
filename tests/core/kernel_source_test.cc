#include "core/kernel_source.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

using Flags = std::vector<std::string>;

TEST(ParseBuildDirectives, ReadsCompilerAndFlags) {
  const BuildDirectives directives = ParseBuildDirectives(
      "// A kernel.\n// ksmith: compiler clang++\n"
      "// ksmith: flags -O3  -march=x86-64-v3\t-ffast-math\nint x;\n");
  EXPECT_EQ(directives.compiler, "clang++");
  EXPECT_EQ(directives.flags, (Flags{"-O3", "-march=x86-64-v3", "-ffast-math"}));
}

TEST(ParseBuildDirectives, WithoutDirectivesTheDefaultsApply) {
  for (const char* source : {"", "int x;", "// ksmith: scratch partial f32 [rows, 64]\n"}) {
    EXPECT_EQ(ParseBuildDirectives(source), BuildDirectives{}) << source;
  }
  EXPECT_EQ(BuildDirectives{}.compiler, "g++");
  EXPECT_EQ(BuildDirectives{}.flags, Flags{"-O2"});
}

TEST(ParseBuildDirectives, TheLastLineOfEachWins) {
  const BuildDirectives directives = ParseBuildDirectives(
      "// ksmith: flags -O1\n// ksmith: compiler clang++\nint x;\n// ksmith: flags -O3\n");
  EXPECT_EQ(directives.flags, Flags{"-O3"});
  EXPECT_EQ(directives.compiler, "clang++");
}

TEST(ParseBuildDirectives, SpacesAroundTheWordsDoNotMatter) {
  for (const char* source :
       {"//ksmith:flags -O3", "  //   ksmith:   flags   -O3  ", "// ksmith: flags\t-O3\r\n"}) {
    EXPECT_EQ(ParseBuildDirectives(source).flags, Flags{"-O3"}) << source;
  }
}

TEST(ParseBuildDirectives, AnEmptyListOfFlagsIsOne) {
  EXPECT_TRUE(ParseBuildDirectives("// ksmith: flags\n").flags.empty());
}

TEST(ParseBuildDirectives, WhatOnlyLooksLikeADirectiveIsNone) {
  for (const char* source :
       {"// ksmith: flagship -O3", "// ksmith flags -O3", "ksmith: flags -O3",
        "int x;  // ksmith: flags -O3", "/* ksmith: flags -O3 */", "// Ksmith: flags -O3"}) {
    EXPECT_EQ(ParseBuildDirectives(source), BuildDirectives{}) << source;
    EXPECT_EQ(WithoutBuildDirectives(source), source);
  }
}

TEST(WithoutBuildDirectives, LeavesEveryOtherByte) {
  EXPECT_EQ(WithoutBuildDirectives("a\n// ksmith: flags -O3\n\nb"), "a\n\nb");
  EXPECT_EQ(WithoutBuildDirectives("a\r\n// ksmith: compiler g++\r\nb\r\n"), "a\r\nb\r\n");
  EXPECT_EQ(WithoutBuildDirectives("a\n// ksmith: flags -O3"), "a\n");
  EXPECT_EQ(WithoutBuildDirectives("// ksmith: scratch p f32 [8]\n"),
            "// ksmith: scratch p f32 [8]\n");
  EXPECT_EQ(WithoutBuildDirectives(""), "");
  EXPECT_EQ(WithoutBuildDirectives("\n\n"), "\n\n");
}

TEST(WithBuildDirectives, ReplacesWhatIsThere) {
  const BuildDirectives wanted{.compiler = "clang++", .flags = {"-O3", "-mfma"}};
  const std::string source = "int a;\n// ksmith: flags -O1\n// ksmith: flags -O0\nint b;\n";
  const std::string with = WithBuildDirectives(source, wanted);
  EXPECT_EQ(with, "// ksmith: compiler clang++\n// ksmith: flags -O3 -mfma\nint a;\nint b;\n");
  EXPECT_EQ(ParseBuildDirectives(with), wanted);
  EXPECT_EQ(WithBuildDirectives(with, wanted), with);
  EXPECT_EQ(WithoutBuildDirectives(with), "int a;\nint b;\n");
}

TEST(WithBuildDirectives, NoFlagsStayNoFlags) {
  const BuildDirectives none{.compiler = "g++", .flags = {}};
  EXPECT_EQ(ParseBuildDirectives(WithBuildDirectives("int a;\n", none)), none);
}

}  // namespace
}  // namespace ks
