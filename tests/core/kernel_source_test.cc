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

TEST(ParseBuildDirectives, ACompilerWithoutANameIsNone) {
  const std::string source = "// ksmith: compiler \nint x;\n";
  EXPECT_EQ(ParseBuildDirectives(source).compiler, "g++");
  EXPECT_EQ(ParseBuildDirectives(WithBuildDirectives(source, ParseBuildDirectives(source))),
            ParseBuildDirectives(source));
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

TEST(BuildDirectives, ArePythonCommentsInPython) {
  const std::string source = "import triton\n# ksmith: flags -O1\n@triton.jit\ndef f(x): pass\n";
  EXPECT_EQ(ParseBuildDirectives(source).flags, Flags{"-O1"});
  EXPECT_EQ(WithoutBuildDirectives(source), "import triton\n@triton.jit\ndef f(x): pass\n");
  EXPECT_EQ(WithBuildDirectives("import triton\n", {"", {"-O3"}}),
            "# ksmith: flags -O3\nimport triton\n");
}

TEST(WithBuildDirectives, WritesNoCompilerWhereThereIsNoChoice) {
  EXPECT_EQ(WithBuildDirectives("__global__ void f();\n", {"", {"--use_fast_math"}}),
            "// ksmith: flags --use_fast_math\n__global__ void f();\n");
}

TEST(CommentMarkerOf, FollowsTheFirstDirectiveThenTheLook) {
  EXPECT_EQ(CommentMarkerOf("#include <x>\n// ksmith: flags -O2\n"), "//");
  EXPECT_EQ(CommentMarkerOf("#pragma once\nint x;\n"), "//");
  EXPECT_EQ(CommentMarkerOf("# ksmith: launch f grid=(1)\n"), "#");
  EXPECT_EQ(CommentMarkerOf("\nfrom triton import jit\n"), "#");
  EXPECT_EQ(CommentMarkerOf(""), "//");
}

TEST(CommentMarkerOf, SeesALineOfPythonWhereverItBegins) {
  for (size_t before = 0; before < 70; ++before) {
    const std::string text(before, 'x');
    for (const std::string line : {"import torch", "from a import b", "def f(): pass", "@"}) {
      EXPECT_EQ(CommentMarkerOf(text + "\n" + line), "#") << before << line;
      EXPECT_EQ(CommentMarkerOf(text + "\n" + line + "\n" + text), "#") << before << line;
      EXPECT_EQ(CommentMarkerOf("\n" + text + "." + line + text), "//") << before << line;
    }
    EXPECT_EQ(CommentMarkerOf(text + "\nif (x)\ndouble y;\nfloat z;\nint"), "//") << before;
  }
}

TEST(MayHaveDirectives, IsTrueWhereverTheWordStands) {
  for (size_t before = 0; before < 70; ++before) {
    const std::string text(before, ':');
    EXPECT_TRUE(MayHaveDirectives(text + "ksmith:" + text)) << before;
    EXPECT_FALSE(MayHaveDirectives(text + "ksmith" + std::string(before, ' '))) << before;
    EXPECT_FALSE(MayHaveDirectives("smith:" + text)) << before;
  }
}

TEST(PlanDirectives, ListsThePlanAndNothingElse) {
  EXPECT_EQ(PlanDirectives("// ksmith: const  B = 4 // ksmith\n// ksmith: flags -O2\n"
                           "  // ksmith: launch f   grid=(n)\n// ksmith: and args=(x)\n"
                           "// ksmith: helpers begin\n// launch g\nint launch;\n"),
            "const B = 4 // ksmith\nlaunch f grid=(n)\nand args=(x)\n");
}

TEST(SourceEnding, IsTheLanguages) {
  EXPECT_EQ(SourceEnding("cpu"), "cc");
  EXPECT_EQ(SourceEnding("cuda"), "cu");
  EXPECT_EQ(SourceEnding("opencl"), "cl");
  EXPECT_EQ(SourceEnding("triton"), "py");
}

}  // namespace
}  // namespace ks
