// What every store owes its callers, asked of each kind.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "base/hash.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"
#include "tests/core/sample_events.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

class StoreContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "memory") {
      store_ = std::make_unique<MemoryStore>();
      return;
    }
    auto opened = SqliteStore::Open(folder_ / "run.sqlite", StoreMode::kCreate);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = *std::move(opened);
  }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, NumbersEventsFromOneWithoutGapsWhateverTheCallerSays) {
  for (int64_t n = 1; n <= 5; ++n) {
    const Result<int64_t> sequence = store_->Append({.sequence = 77, .body = RunStopped{}});
    ASSERT_TRUE(sequence.ok()) << sequence.error().message;
    EXPECT_EQ(*sequence, n);
  }
}

TEST_P(StoreContract, GivesEventsBackAsTheyWereInOrder) {
  const std::vector<Event> events = SampleEvents();
  for (const Event& event : events) ASSERT_TRUE(store_->Append(event).ok());
  const auto read = store_->Read(0);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(EventToJson((*read)[i]), EventToJson(events[i]));
  }
}

TEST_P(StoreContract, SourcesOfOneCommitComeBackHoweverManyThereAre) {
  for (const size_t many : {1u, 7u, 300u}) {
    std::vector<NewSource> sources;
    for (size_t i = 0; i < many; ++i) {
      const std::string text = std::to_string(many) + "/" + std::to_string(i) + " float x[8];\n" +
                               std::string(i * 16, 'x');
      sources.push_back({Sha256Hex(text), std::make_shared<const std::string>(text)});
    }
    const Event event{.body = RunStopped{}};
    ASSERT_TRUE(store_->AppendAll({&event, 1}, sources).ok());
    for (const NewSource& source : sources) {
      EXPECT_EQ(*store_->GetSource(source.hash), *source.text);
    }
  }
}

TEST_P(StoreContract, ReadsOnlyWhatCameAfter) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(store_->Append({.body = RunStopped{}}).ok());
  const auto tail = store_->Read(2);
  ASSERT_TRUE(tail.ok()) << tail.error().message;
  ASSERT_EQ(tail->size(), 2u);
  EXPECT_EQ((*tail)[0].sequence, 3);
  EXPECT_EQ((*tail)[1].sequence, 4);
  EXPECT_TRUE(store_->Read(4)->empty());
  EXPECT_TRUE(store_->Read(1000)->empty());
}

TEST_P(StoreContract, ABatchIsAppendedInOrderWithItsSources) {
  ASSERT_TRUE(store_->Append({.body = RunStopped{"first"}}).ok());
  const auto text = std::make_shared<const std::string>("void kernel() {}\n");
  const std::vector<Event> batch = {{.body = RunStopped{"second"}}, {.body = RunStopped{"third"}}};
  const std::vector<NewSource> sources = {{Sha256Hex(*text), text}};
  const auto last = store_->AppendAll(batch, sources);
  ASSERT_TRUE(last.ok()) << last.error().message;
  EXPECT_EQ(*last, 3);
  const auto read = store_->Read(0);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ(std::get<RunStopped>((*read)[1].body).reason, "second");
  EXPECT_EQ(std::get<RunStopped>((*read)[2].body).reason, "third");
  EXPECT_EQ(store_->GetSource(Sha256Hex(*text)).value_or(""), *text);
}

TEST_P(StoreContract, SomeEventsAreReadFromAnyPlace) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->Append({.body = RunStopped{}}).ok());
  const auto some = store_->ReadSome(1, 2);
  ASSERT_TRUE(some.ok()) << some.error().message;
  ASSERT_EQ(some->size(), 2u);
  EXPECT_EQ((*some)[0].sequence, 2);
  EXPECT_EQ((*some)[1].sequence, 3);
  EXPECT_EQ(store_->ReadSome(4, 10)->size(), 1u);
  EXPECT_TRUE(store_->ReadSome(5, 10)->empty());
  EXPECT_TRUE(store_->ReadSome(0, 0)->empty());
  EXPECT_EQ(*store_->LastSequence(), 5);
}

TEST_P(StoreContract, AnEmptyStoreHasNoEvents) {
  const auto read = store_->Read(0);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_TRUE(read->empty());
}

TEST_P(StoreContract, SourcesAreKeptUnderTheirSha256) {
  const std::string source = "void kernel(float* x) { *x = 1; }\n";
  const auto hash = store_->PutSource(source);
  ASSERT_TRUE(hash.ok()) << hash.error().message;
  EXPECT_EQ(*hash, Sha256Hex(source));
  EXPECT_EQ(*store_->PutSource(source), *hash);
  const auto back = store_->GetSource(*hash);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, source);
}

TEST_P(StoreContract, AnySourceBytesSurvive) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes.push_back(static_cast<char>(i));
  for (const std::string& source : {std::string(), all_bytes, std::string(1 << 20, 'x')}) {
    const auto hash = store_->PutSource(source);
    ASSERT_TRUE(hash.ok()) << hash.error().message;
    const auto back = store_->GetSource(*hash);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_TRUE(*back == source);
  }
}

TEST_P(StoreContract, AnUnknownSourceIsNotFound) {
  const auto source = store_->GetSource(Sha256Hex("never put"));
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
}

TEST_P(StoreContract, ResultsAreKeptByKeyAndTheLastOneWins) {
  const std::string key = "task/source/toolchain/device";
  const auto none = store_->GetResult(key);
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_FALSE(none->has_value());
  const Evaluation first = SampleEvaluation(TimedOut{.stage = "check", .limit_s = 1});
  const Evaluation second = SampleEvaluation(SampleOutcomes()[0]);
  ASSERT_TRUE(store_->PutResult(key, first).ok());
  ASSERT_TRUE(store_->PutResult(key, second).ok());
  ASSERT_TRUE(store_->PutResult(key + "2", first).ok());
  const auto back = store_->GetResult(key);
  ASSERT_TRUE(back.ok() && back->has_value());
  EXPECT_EQ(EvaluationToJson(**back), EvaluationToJson(second));
}

TEST_P(StoreContract, ThreadsMayAppendAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  std::vector<std::vector<int64_t>> got(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, &mine = got[static_cast<size_t>(t)]] {
        for (int i = 0; i < kEach; ++i) {
          const auto sequence = store_->Append({.body = RunStopped{}});
          if (sequence.ok()) mine.push_back(*sequence);
        }
      });
    }
  }
  std::vector<int64_t> all;
  for (const auto& mine : got) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), size_t{kThreads * kEach});
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<int64_t>(i) + 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreContract, testing::Values("memory", "sqlite"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace ks
