#include "report/diff.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace ks {
namespace {

std::string Side(const std::vector<DiffLine>& lines, DiffLine::Kind without) {
  std::string out;
  for (const DiffLine& line : lines) {
    if (line.kind != without) out += line.text + "\n";
  }
  return out;
}

TEST(Diff, OfEqualTextsIsEmpty) {
  EXPECT_EQ(UnifiedDiff("a\nb\n", "a\nb\n", "old", "new", {}), "");
  EXPECT_EQ(UnifiedDiff("", "", "old", "new", {}), "");
}

TEST(Diff, ShowsThreeLinesAroundAChange) {
  EXPECT_EQ(UnifiedDiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "old",
                        "new", {}),
            "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(Diff, ChangesFarApartAreTwoHunksAndNearOnesAreOne) {
  std::string before, near, far;
  for (int i = 0; i < 30; ++i) {
    const std::string line = std::to_string(i) + "\n";
    before += line;
    near += i == 5 || i == 10 ? "x\n" : line;
    far += i == 5 || i == 20 ? "x\n" : line;
  }
  EXPECT_EQ(DiffHunks(DiffLines(before, near)).size(), 1u);
  EXPECT_EQ(DiffHunks(DiffLines(before, far)).size(), 2u);
}

TEST(Diff, FindsTheShortestScript) {
  // Myers' own example: ABCABBA to CBABAC takes five edits.
  const auto lines = DiffLines("A\nB\nC\nA\nB\nB\nA\n", "C\nB\nA\nB\nA\nC\n");
  const DiffStat stat = CountChanges(lines);
  EXPECT_EQ(stat.added + stat.removed, 5);
}

TEST(Diff, NumbersLinesOfBothSides) {
  const auto lines = DiffLines("a\nb\nc\n", "a\nc\nd\n");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1].kind, DiffLine::Kind::kRemoved);
  EXPECT_EQ(lines[1].old_line, 2);
  EXPECT_EQ(lines[2].old_line, 3);
  EXPECT_EQ(lines[2].new_line, 2);
  EXPECT_EQ(lines[3].kind, DiffLine::Kind::kAdded);
  EXPECT_EQ(lines[3].new_line, 3);
}

TEST(Diff, EitherSideComesBackFromAnyPairOfTexts) {
  Rng rng(3);
  for (int trial = 0; trial < 300; ++trial) {
    std::string before, after;
    for (uint64_t i = rng.Below(30); i > 0; --i)
      before += std::string(1, static_cast<char>('a' + rng.Below(4))) + "\n";
    for (uint64_t i = rng.Below(30); i > 0; --i)
      after += std::string(1, static_cast<char>('a' + rng.Below(4))) + "\n";
    const auto lines = DiffLines(before, after);
    ASSERT_EQ(Side(lines, DiffLine::Kind::kAdded), before);
    ASSERT_EQ(Side(lines, DiffLine::Kind::kRemoved), after);
  }
}

TEST(Diff, TextsWithNothingInCommonAreShownWholeWithoutTakingForever) {
  std::string before, after;
  for (int i = 0; i < 4000; ++i) {
    before += "old " + std::to_string(i) + "\n";
    after += "new " + std::to_string(i) + "\n";
  }
  const DiffStat stat = CountChanges(DiffLines(before, after));
  EXPECT_EQ(stat.removed, 4000);
  EXPECT_EQ(stat.added, 4000);
}

TEST(Diff, ColoursRemovedRedAndAddedGreen) {
  const std::string text = UnifiedDiff("a\n", "b\n", "old", "new", {.colour = true});
  EXPECT_NE(text.find("\x1b[31m-a\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[32m+b\x1b[0m"), std::string::npos);
}

TEST(Diff, DoesNotPassEscapeSequencesOn) {
  EXPECT_EQ(UnifiedDiff("a\n", "\x1b[2J\n", "old", "new", {}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ks
