#include "propose/llm/edit.h"

#include <gtest/gtest.h>

#include "propose/llm/entry_check.h"
#include "propose/llm/evolve_block.h"
#include "tests/propose/llm/scripted_model.h"

namespace ks {
namespace {

constexpr char kMarked[] =
    "head\n// EVOLVE-BLOCK-START\na = 1;\nb = 2;\n// EVOLVE-BLOCK-END\ntail a = 1;\n";

std::string Child(const EditResult& result) {
  const auto* child = std::get_if<std::string>(&result);
  return child != nullptr ? *child : "refused: " + std::get_if<EditFailure>(&result)->reason;
}
std::string RuleOf(const EditResult& result) {
  const auto* failure = std::get_if<EditFailure>(&result);
  return failure != nullptr ? failure->rule : "none";
}
EditResult ApplyBlocks(std::string_view parent, std::string_view answer) {
  auto edits = ParseSearchReplace(answer);
  if (auto* failure = std::get_if<EditFailure>(&edits)) return *failure;
  return ApplySearchReplace(parent, *std::get_if<std::vector<SearchReplace>>(&edits));
}

TEST(EvolveBlock, KnowsMarkersInAnyCommentSyntax) {
  for (const char* line :
       {"// EVOLVE-BLOCK-START", "  # EVOLVE-BLOCK-START", "/* EVOLVE-BLOCK-START */",
        "-- EVOLVE-BLOCK-START", "; EVOLVE-BLOCK-START", "<!-- EVOLVE-BLOCK-START -->",
        "//EVOLVE-BLOCK-START: the loop", "% EVOLVE-BLOCK-START\r"}) {
    EXPECT_EQ(MarkerOf(line), MarkerKind::kStart) << line;
  }
  EXPECT_EQ(MarkerOf("# EVOLVE-BLOCK-END"), MarkerKind::kEnd);
  for (const char* line : {"EVOLVE-BLOCK-START", "x = 1; // EVOLVE-BLOCK-START",
                           "// EVOLVE-BLOCK-STARTED", "// see EVOLVE-BLOCK-START"}) {
    EXPECT_EQ(MarkerOf(line), MarkerKind::kNone) << line;
  }
}

TEST(EvolveBlock, RefusesMarkersThatDoNotMatchWithTheirLine) {
  EXPECT_NE(FindEvolveBlocks("x\n# EVOLVE-BLOCK-END\n").error().message.find("line 2"),
            std::string::npos);
  EXPECT_NE(FindEvolveBlocks("# EVOLVE-BLOCK-START\n").error().message.find("line 1"),
            std::string::npos);
  EXPECT_FALSE(FindEvolveBlocks("# EVOLVE-BLOCK-START\n# EVOLVE-BLOCK-START\n").ok());
  const Result<EvolveBlocks> none = FindEvolveBlocks("x\n");
  EXPECT_FALSE(none->marked);
  EXPECT_EQ(none->blocks, (std::vector<EvolveBlock>{{0, 2}}));
}

TEST(Rewrite, TakesTheBlocksAndKeepsEverythingElse) {
  const std::string answer =
      "head\n// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 1;\n";
  EXPECT_EQ(Child(ApplyRewrite(kMarked, answer)), answer);
  EXPECT_EQ(Child(ApplyRewrite(kMarked, "// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END")),
            answer)
      << "an answer that is only the block";
}

TEST(Rewrite, RefusesAnyByteChangedOutsideTheBlocks) {
  for (const char* answer :
       {"Head\n// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 1;\n",
        "head\n// EVOLVE-BLOCK-START x\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 1;\n",
        "head\n// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 1; \n",
        "head\n// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 1;\nmore\n"}) {
    EXPECT_EQ(RuleOf(ApplyRewrite(kMarked, answer)), kChangesFrozenText) << answer;
  }
  const EditResult named = ApplyRewrite(
      kMarked, "head\n// EVOLVE-BLOCK-START\na = 3;\n// EVOLVE-BLOCK-END\ntail a = 2;\n");
  EXPECT_NE(Child(named).find("line 6 of the program is 'tail a = 1;'"), std::string::npos)
      << Child(named);
}

TEST(Rewrite, RefusesMissingOrOtherMarkersAndNoChange) {
  EXPECT_EQ(RuleOf(ApplyRewrite(kMarked, "a = 3;\n")), kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyRewrite(kMarked, "// EVOLVE-BLOCK-START\n")), kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyRewrite("x\n", kMarked)), kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyRewrite("x\n", "  x  \n")), kNoChange);
  EXPECT_EQ(RuleOf(ApplyRewrite("x\n", " \n ")), kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyRewrite("// EVOLVE-BLOCK-END\n", "y\n")), kDoesNotApply);
}

TEST(Rewrite, ReplacesAnUnmarkedProgramAndKeepsItsBuildDirectives) {
  EXPECT_EQ(Child(ApplyRewrite("// ksmith: flags -O3\nint a;\n", "int b;")),
            "// ksmith: flags -O3\nint b;\n");
  EXPECT_EQ(Child(ApplyRewrite("// ksmith: flags -O3\nint a;\n", "// ksmith: flags -O1\nint b;")),
            "// ksmith: flags -O1\nint b;\n");
}

TEST(SearchReplaceBlocks, AreAppliedInOrder) {
  const std::string answer =
      "prose\n<<<<<<< SEARCH\na = 1;\n=======\na = 5;\nc = 6;\n>>>>>>> REPLACE\nmore prose\n"
      "<<<<<<< SEARCH\nc = 6;\nb = 2;\n=======\n>>>>>>> REPLACE\n";
  EXPECT_EQ(Child(ApplyBlocks("a = 1;\nb = 2;\n", answer)), "a = 5;\n");
}

TEST(SearchReplaceBlocks, MustMatchExactlyOnceAsWholeLines) {
  const auto block = [](const std::string& search) {
    return "<<<<<<< SEARCH\n" + search + "\n=======\nz;\n>>>>>>> REPLACE\n";
  };
  const EditResult none = ApplyBlocks("  a = 1;\n", block("a = 1;"));
  EXPECT_EQ(RuleOf(none), kDoesNotApply);
  EXPECT_NE(Child(none).find("line 1 has its first line"), std::string::npos) << Child(none);
  const EditResult twice = ApplyBlocks("a;\nb;\na;\n", block("a;"));
  EXPECT_EQ(RuleOf(twice), kDoesNotApply);
  EXPECT_NE(Child(twice).find("lines 1 and 3"), std::string::npos) << Child(twice);
  EXPECT_EQ(RuleOf(ApplyBlocks("aa;\n", block("a;"))), kDoesNotApply) << "part of a line";
  EXPECT_EQ(RuleOf(ApplyBlocks("a;\n", block(" "))), kDoesNotApply) << "empty";
  EXPECT_EQ(Child(ApplyBlocks("a;", block("a;"))), "z;") << "a last line without end";
  EXPECT_EQ(RuleOf(ApplyBlocks("z;\n", block("z;"))), kNoChange);
}

TEST(SearchReplaceBlocks, StayInsideTheEvolveBlocks) {
  const auto apply = [](const std::string& search, const std::string& replace) {
    return ApplyBlocks(
        kMarked, "<<<<<<< SEARCH\n" + search + "\n=======\n" + replace + "\n>>>>>>> REPLACE\n");
  };
  EXPECT_EQ(Child(apply("a = 1;", "a = 9;")),
            "head\n// EVOLVE-BLOCK-START\na = 9;\nb = 2;\n// EVOLVE-BLOCK-END\ntail a = 1;\n");
  EXPECT_EQ(RuleOf(apply("head", "HEAD")), kChangesFrozenText);
  EXPECT_EQ(RuleOf(apply("b = 2;\n// EVOLVE-BLOCK-END", "b = 3;\n// EVOLVE-BLOCK-END")),
            kChangesFrozenText);
  EXPECT_EQ(RuleOf(apply("b = 2;", "// EVOLVE-BLOCK-END\nb = 2;")), kChangesFrozenText);
}

TEST(SearchReplaceBlocks, RefuseHalfBlocksWithTheirLine) {
  EXPECT_NE(Child(ApplyBlocks("a\n", "x\n<<<<<<< SEARCH\na\n")).find("line 2"), std::string::npos);
  EXPECT_EQ(RuleOf(ApplyBlocks("a\n", "<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n")), kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyBlocks("a\n", "<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\n")),
            kDoesNotApply);
  EXPECT_EQ(RuleOf(ApplyBlocks("a\n", "no block")), kDoesNotApply);
}

TEST(SearchReplaceBlocks, FollowTheProgramsLineEnds) {
  EXPECT_EQ(
      Child(ApplyBlocks("a;\r\nb;\r\n", "<<<<<<< SEARCH\na;\n=======\nc;\n>>>>>>> REPLACE\n")),
      "c;\r\nb;\r\n");
}

TEST(EntryCheck, AcceptsTheSameTypesInAnyForm) {
  const Task task = ScaleTask();
  for (const char* source :
       {kScaleSource,
        "extern \"C\" void scale(float const *__restrict__ in, float* restrict out, std::int64_t "
        "count) {}",
        "extern \"C\" {\nvoid scale(const float*, float*, int64_t)\n{}\n}",
        "static void scale(int) {}\nextern \"C\" void scale(const float* x, float* y, int64_t n) "
        "noexcept {}"}) {
    const auto failure = CheckEntry(source, task, "cpu");
    EXPECT_FALSE(failure) << source << failure->reason;
  }
}

TEST(EntryCheck, RefusesAnotherSignatureOrNone) {
  const Task task = ScaleTask();
  for (const char* source :
       {"extern \"C\" void scale(float* x, float* y, int64_t n) {}",
        "extern \"C\" void scale(const float* x, float* y, int n) {}",
        "extern \"C\" void scale(const float* x, float* y) {}",
        "extern \"C\" void scaled(const float* x, float* y, int64_t n) {}",
        "void scale(const float* x, float* y, int64_t n) {}",
        "extern \"C\" void scale(const float* x, float* y, int64_t n);",
        "// extern \"C\" void scale(const float* x, float* y, int64_t n) {}"}) {
    const auto failure = CheckEntry(source, task, "cpu");
    ASSERT_TRUE(failure) << source;
    EXPECT_EQ(failure->rule, kChangesEntry);
  }
  EXPECT_TRUE(CheckEntry("__global__ void scale() {}", task, "cuda"));
  EXPECT_FALSE(CheckEntry("// ksmith: launch scale grid=(1) block=(1)\nx", task, "cuda"));
}

}  // namespace
}  // namespace ks
