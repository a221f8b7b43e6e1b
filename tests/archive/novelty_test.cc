#include "archive/novelty.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

// A program of `statements` lines; the same seed, the same text.
std::vector<std::string> Program(uint64_t seed, int statements = 60) {
  Rng rng(seed);
  std::vector<std::string> lines;
  for (int i = 0; i < statements; ++i) {
    lines.push_back("a" + std::to_string(rng.Below(16)) + "[i + " + std::to_string(rng.Below(99)) +
                    "] = b" + std::to_string(rng.Below(16)) + " * c" +
                    std::to_string(rng.Below(16)) + ";");
  }
  return lines;
}

std::string Text(const std::vector<std::string>& lines, const std::string& end = "\n") {
  std::string text;
  for (const std::string& line : lines) text += line + end;
  return text;
}

std::string WithLine(std::vector<std::string> lines, size_t at, const std::string& line) {
  lines[at] = line;
  return Text(lines);
}

const std::string kEdit = "prefetch(a0 + 64, hint_high); b3 = load_aligned(a0 + 8 * i);";

// Words that no other text has but those of the same seed.
std::string Words(const std::string& seed, int first, int last) {
  std::string text;
  for (int i = first; i < last; ++i) text += seed + std::to_string(i) + " ";
  return text;
}

TEST(SourceSketch, IgnoresWhiteSpaceOnly) {
  const auto lines = Program(1);
  const SourceSketch sketch(Text(lines));
  EXPECT_EQ(sketch.SimilarityTo(SourceSketch(Text(lines, "\n\n   "))), 1);
  EXPECT_LT(sketch.SimilarityTo(SourceSketch(WithLine(lines, 3, kEdit))), 1);
  EXPECT_LT(SourceSketch(Words("a", 0, 500)).SimilarityTo(SourceSketch(Words("b", 0, 500))), 0.2);
}

TEST(SourceSketch, EstimatesTheShareOfCommonRuns) {
  double sum = 0;
  double largest = 0;
  for (int trial = 0; trial < 50; ++trial) {
    const std::string seed = "t" + std::to_string(trial) + "w";
    const SourceSketch whole(Words(seed, 0, 1000));
    const SourceSketch part(Words(seed, 0, 800) + Words("other" + seed, 0, 200));
    const double error = whole.SimilarityTo(part) - 797.0 / 1197;
    sum += error;
    largest = std::max(largest, std::abs(error));
  }
  EXPECT_NEAR(sum / 50, 0, 0.03);
  EXPECT_LT(largest, 0.25);
}

TEST(SourceSketch, TakesTextsOfNoAndOfFewTokens) {
  EXPECT_EQ(SourceSketch("").SimilarityTo(SourceSketch(" \n")), 1);
  EXPECT_EQ(SourceSketch("x").SimilarityTo(SourceSketch("x ")), 1);
  EXPECT_LT(SourceSketch("x").SimilarityTo(SourceSketch("y")), 0.6);
}

class Novel : public ::testing::Test {
 protected:
  void Note(const MemberPtr& member, const std::string& source) { index_.Note(*member, source); }
  std::optional<CandidateId> Near(const std::string& source, const MemberPtr& parent) {
    return index_.NearCopyOf(source, *parent);
  }
  const std::vector<std::string> lines_ = Program(7);
  const MemberPtr parent_ = Make(0, kNoCandidate).Speedup(2);
  NoveltyIndex index_{0.85};
};

TEST_F(Novel, RefusesTheSameEditThatFailed) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Failed(CompileFailed{}), WithLine(lines_, 30, kEdit));
  EXPECT_EQ(Near(WithLine(lines_, 30, kEdit + " ;"), parent_), std::optional<CandidateId>(1));
}

TEST_F(Novel, RefusesTheSameEditThatWasSlower) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Speedup(1.2), WithLine(lines_, 30, kEdit));
  EXPECT_EQ(Near(WithLine(lines_, 30, kEdit + " ;"), parent_), std::optional<CandidateId>(1));
}

TEST_F(Novel, LetsNearCopiesOfGoodProgramsPass) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Speedup(2.5), WithLine(lines_, 30, kEdit));
  EXPECT_EQ(Near(WithLine(lines_, 30, kEdit + " ;"), parent_), std::nullopt);
}

TEST_F(Novel, LetsAnotherEditOfTheSameParentPass) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Failed(CompileFailed{}), WithLine(lines_, 30, kEdit));
  Note(Make(2, 0).Speedup(0.5), WithLine(lines_, 10, "x = y;"));
  const std::string other = WithLine(lines_, 50, "unrolled_by_four(a1, b2, c3, i, 4, stride);");
  EXPECT_GT(SourceSketch(other).SimilarityTo(SourceSketch(WithLine(lines_, 30, kEdit))), 0.85);
  EXPECT_EQ(Near(other, parent_), std::nullopt);
}

TEST_F(Novel, LetsARepairOfAFailedParentPass) {
  Note(parent_, Text(lines_));
  const MemberPtr failed = Make(1, 0).Failed(CompileFailed{});
  Note(failed, WithLine(lines_, 30, kEdit));
  EXPECT_EQ(Near(WithLine(lines_, 30, kEdit + " ;"), failed), std::nullopt);
}

TEST_F(Novel, LetsDistantProgramsPass) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Failed(CompileFailed{}), Text(Program(8)));
  EXPECT_EQ(Near(Text(Program(9)), parent_), std::nullopt);
}

TEST_F(Novel, DoesNotCountDuplicates) {
  Note(parent_, Text(lines_));
  Note(Make(1, 0).Failed(DuplicateOf{0}), WithLine(lines_, 30, kEdit));
  EXPECT_EQ(index_.size(), 1u);
  EXPECT_EQ(Near(WithLine(lines_, 30, kEdit), parent_), std::nullopt);
}

TEST_F(Novel, StillFindsCopiesAfterGrowing) {
  Note(parent_, Text(lines_));
  for (CandidateId id = 1; id < 3000; ++id) {
    Note(Make(id, 0).Failed(TimedOut{}), Text(Program(static_cast<uint64_t>(id) + 100)));
  }
  int found = 0;
  for (CandidateId id = 1; id < 3000; id += 100) {
    std::vector<std::string> copy = Program(static_cast<uint64_t>(id) + 100);
    copy[5] += " ;";
    found += Near(Text(copy), parent_) == std::optional<CandidateId>(id);
  }
  EXPECT_EQ(found, 30);
}

}  // namespace
}  // namespace ks
