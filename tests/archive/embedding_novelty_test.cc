#include "archive/embedding_novelty.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/text.h"
#include "tests/archive/members.h"

namespace ks {
namespace {

// A text is an angle in degrees; "none" and texts that are no numbers have no vector.
class AngleEmbedder final : public Embedder {
 public:
  explicit AngleEmbedder(int& asked) : asked_(asked) {}
  std::optional<Embedding> Embed(const std::string& text) override {
    ++asked_;
    if (text == "long") return Embedding{1, 0, 0};
    if (text == "nothing") return Embedding{0, 0};
    const std::optional<double> degrees = ParseDouble(text);
    if (!degrees) return std::nullopt;
    const double angle = *degrees * M_PI / 180;
    return Embedding{3 * static_cast<float>(std::cos(angle)),
                     3 * static_cast<float>(std::sin(angle))};
  }

 private:
  int& asked_;
};

// Anything is a near copy of 77.
class Always77 final : public Novelty {
 public:
  void Note(const Member&, std::string_view) override {}
  std::optional<CandidateId> NearCopyOf(std::string_view, const Member&) const override {
    return 77;
  }
};

struct Angles {
  explicit Angles(bool asks = true, bool falls_back = true)
      : novelty(asks ? std::make_unique<AngleEmbedder>(asked) : nullptr, 0.99,
                falls_back ? std::make_unique<Always77>() : nullptr) {
    novelty.Note(*parent, "0");
    novelty.Note(*failed, "20");
    novelty.Note(*better, "40");
  }
  int asked = 0;
  EmbeddingNovelty novelty;
  MemberPtr parent = Make(0, kNoCandidate).Speedup(2, 0);
  MemberPtr failed = Make(1, 0).Failed(CompileFailed{});
  MemberPtr better = Make(2, 0).Speedup(3, 0);
};

TEST(EmbeddingNovelty, RefusesWhatIsNearerToAFailureThanToItsParent) {
  Angles angles;
  EXPECT_EQ(angles.novelty.NearCopyOf("19", *angles.parent), 1);
  EXPECT_EQ(angles.novelty.NearCopyOf("3", *angles.parent), std::nullopt) << "its parent is nearer";
  EXPECT_EQ(angles.novelty.NearCopyOf("29", *angles.parent), std::nullopt) << "below the threshold";
  EXPECT_EQ(angles.novelty.NearCopyOf("40", *angles.parent), std::nullopt) << "that one is better";
}

TEST(EmbeddingNovelty, AsksAboutATextOnce) {
  Angles angles;
  EXPECT_EQ(angles.asked, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(angles.novelty.NearCopyOf("20", *angles.parent), 1);
  EXPECT_EQ(angles.asked, 3);
}

TEST(EmbeddingNovelty, FallsBackWhereThereIsNoVector) {
  Angles angles;
  for (const char* text : {"no number", "long", "nothing"}) {
    EXPECT_EQ(angles.novelty.NearCopyOf(text, *angles.parent), 77) << text;
  }
  const MemberPtr unknown = Make(9, 0).Speedup(1, 0);
  EXPECT_EQ(angles.novelty.NearCopyOf("20", *unknown), 77);
  Angles alone(true, false);
  EXPECT_EQ(alone.novelty.NearCopyOf("no number", *alone.parent), std::nullopt);
}

TEST(EmbeddingNovelty, DecidesAgainFromItsRecordWithoutAsking) {
  Angles first;
  std::vector<std::string> records = {first.novelty.TakeRecord()};
  const char* const texts[] = {"19", "19.5", "no number", "29"};
  std::vector<std::optional<CandidateId>> decided;
  for (const char* text : texts) {
    decided.push_back(first.novelty.NearCopyOf(text, *first.parent));
    records.push_back(first.novelty.TakeRecord());
    EXPECT_FALSE(records.back().empty());
    EXPECT_TRUE(first.novelty.TakeRecord().empty());
  }
  EmbeddingNovelty again(nullptr, 0.99, std::make_unique<Always77>());
  for (const std::string& record : records) ASSERT_TRUE(again.TakeOver(record).ok());
  again.Note(*first.parent, "0");
  again.Note(*first.failed, "20");
  again.Note(*first.better, "40");
  for (size_t i = 0; i < std::size(texts); ++i) {
    EXPECT_EQ(again.NearCopyOf(texts[i], *first.parent), decided[i]) << texts[i];
  }
  EXPECT_TRUE(again.TakeRecord().empty());
}

TEST(EmbeddingNovelty, ADamagedRecordIsADataLoss) {
  Angles angles;
  const std::string record = angles.novelty.TakeRecord();
  const auto read = [](const std::string& text) {
    return EmbeddingNovelty(nullptr, 0.9, nullptr).TakeOver(text);
  };
  ASSERT_TRUE(read(record).ok());
  EXPECT_FALSE(read("").ok());
  EXPECT_FALSE(read(record.substr(1)).ok());
  for (size_t cut = 1; cut < record.size(); ++cut) {
    const Status status = read(record.substr(0, record.size() - cut));
    EXPECT_TRUE(status.ok() || status.error().code == ErrorCode::kDataLoss);
    EXPECT_TRUE(!status.ok() || record[record.size() - cut - 1] == 10) << cut;
  }
  EXPECT_FALSE(read(record + std::string(64, 'a') + " 7fc00000\n").ok()) << "not a number";
  EXPECT_FALSE(read(record + std::string(64, 'a') + " 3f800000\n").ok()) << "another length";
}

}  // namespace
}  // namespace ks
