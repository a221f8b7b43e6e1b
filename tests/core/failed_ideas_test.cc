#include "core/failed_ideas.h"

#include <gtest/gtest.h>

#include "tests/archive/members.h"

namespace ks {
namespace {

Outcome Wrong(int64_t index) {
  WrongResult wrong;
  wrong.output = "c";
  wrong.index = index;
  return wrong;
}

Outcome Gained(double low, double high) {
  Measured measured;
  measured.gain = {low, (low + high) / 2, high};
  return measured;
}

std::vector<CandidateId> TriesShown(const FailedIdeas& ideas,
                                    const std::vector<CandidateId>& lineage) {
  std::vector<CandidateId> last;
  for (const FailedIdea& idea : ideas.Show(lineage, 100)) last.push_back(idea.last);
  return last;
}

void Note(FailedIdeas& ideas, const MemberPtr& member) { ideas.Note(*member); }

TEST(FailedIdeas, KeepFailuresAndLossesButNotGainsTiesOrDuplicates) {
  FailedIdeas ideas;
  Note(ideas, Make(1, 0).Skill("a").Failed(Wrong(3)));
  Note(ideas, Make(2, 0).Skill("b").Failed(Gained(0.7, 0.9)));
  Note(ideas, Make(3, 0).Skill("c").Failed(Gained(0.9, 1.1)));
  Note(ideas, Make(4, 0).Skill("d").Failed(Gained(1.2, 1.3)));
  Note(ideas, Make(5, 0).Skill("e").Failed(DuplicateOf{1}));
  Note(ideas, Make(6, kNoCandidate).Failed(Wrong(1)));  // the seed is nobody's idea
  EXPECT_EQ(TriesShown(ideas, {}), (std::vector<CandidateId>{2, 1}));
}

TEST(FailedIdeas, ShowThoseOfTheLineageFirst) {
  FailedIdeas ideas;
  for (CandidateId id = 10; id < 16; ++id) {
    Note(ideas, Make(id, id % 3).Skill("s" + std::to_string(id)).Failed(Wrong(id)));
  }
  EXPECT_EQ(TriesShown(ideas, {2, 1}), (std::vector<CandidateId>{14, 13, 11, 10, 15, 12}));
  EXPECT_EQ(ideas.Show({}, 2).size(), 2u);
}

TEST(FailedIdeas, CountTheSameSkillWithTheSameSortOfEnd) {
  FailedIdeas ideas;
  Note(ideas, Make(1, 0).Skill("tile").Failed(Wrong(3)));
  Note(ideas, Make(2, 0).Skill("unroll").Failed(Wrong(3)));
  Note(ideas, Make(3, 0).Skill("tile").Failed(Wrong(99)));
  Note(ideas, Make(4, 0).Skill("tile").Failed(Gained(0.5, 0.6)));
  Note(ideas, Make(5, 7).Skill("tile").Failed(Wrong(99)));
  const std::vector<FailedIdea> shown = ideas.Show({}, 100);
  ASSERT_EQ(shown.size(), 4u);
  EXPECT_EQ(shown[2].last, 3);
  EXPECT_EQ(shown[2].tries, 2);
  EXPECT_EQ(shown[1].tries, 1);
}

TEST(FailedIdeas, ForgetTheOldest) {
  FailedIdeas ideas;
  const auto most = static_cast<CandidateId>(FailedIdeas::kMostIdeas);
  for (CandidateId id = 1; id <= most + 5; ++id) {
    Note(ideas, Make(id, id - 1).Failed(Wrong(1)));
  }
  EXPECT_EQ(ideas.size(), FailedIdeas::kMostIdeas);
  EXPECT_EQ(ideas.Show({}, 1000).back().last, 6);
}

TEST(FailedIdeas, TextIsOneLineWithoutControlCharacters) {
  FailedIdea idea;
  idea.parent = 12;
  idea.skill = "tile";
  idea.rationale = "blocks of 32\n\x1b[31m fit";
  idea.outcome = "wrong result";
  idea.tries = 3;
  EXPECT_EQ(FailedIdeaText(idea), "tile on c12: blocks of 32  [31m fit -> wrong result (3 tries)");
}

}  // namespace
}  // namespace ks
