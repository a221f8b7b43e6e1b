#include "engine/recorder.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/hash.h"
#include "store/memory_store.h"
#include "tests/store/faulty_store.h"

namespace ks {
namespace {

// Holds every commit until it is let go, and counts the batches.
class SlowStore final : public Store {
 public:
  Result<int64_t> AppendAll(std::span<const Event> events,
                            std::span<const NewSource> sources) override {
    {
      std::unique_lock lock(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return allowed_ > 0; });
      --allowed_;
      sizes_.push_back(events.size());
    }
    return inner_.AppendAll(events, sources);
  }
  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const override {
    return inner_.ReadSome(after, limit);
  }
  Result<int64_t> LastSequence() const override { return inner_.LastSequence(); }
  Result<std::string> PutSource(const std::string& source) override {
    return inner_.PutSource(source);
  }
  Result<std::string> GetSource(const std::string& hash) const override {
    return inner_.GetSource(hash);
  }
  Status PutResult(const std::string& key, const Evaluation& evaluation) override {
    return inner_.PutResult(key, evaluation);
  }
  Result<std::optional<Evaluation>> GetResult(const std::string& key) const override {
    return inner_.GetResult(key);
  }

  void AwaitCommit(int number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= number; });
  }
  void Allow(int commits) {
    const std::lock_guard lock(mutex_);
    allowed_ += commits;
    changed_.notify_all();
  }
  std::vector<size_t> sizes() const {
    const std::lock_guard lock(mutex_);
    return sizes_;
  }

 private:
  MemoryStore inner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  int allowed_ = 0;
  std::vector<size_t> sizes_;
};

// Lives until the end of the call it is made for.
struct One {
  explicit One(const std::string& reason) : event{.body = RunStopped{reason}} {}
  operator std::span<Event>() { return {&event, 1}; }  // NOLINT: implicit
  Event event;
};

NewSource SourceOf(const std::string& text) {
  return {Sha256Hex(text), std::make_shared<const std::string>(text)};
}

TEST(Recorder, WhatArrivesDuringACommitSharesTheNextOne) {
  SlowStore store;
  SourceCache sources(store);
  Recorder recorder(store, sources, 0, true, {});
  ASSERT_EQ(*recorder.Add(One("1"), std::nullopt), 1);
  store.AwaitCommit(1);
  for (int i = 2; i <= 6; ++i) {
    EXPECT_EQ(*recorder.Add(One(std::to_string(i)), std::nullopt), i);
  }
  EXPECT_TRUE(recorder.TakeCommitted().empty()) << "nothing is committed yet";
  store.Allow(2);
  ASSERT_TRUE(recorder.Flush().ok());
  EXPECT_EQ(store.sizes(), (std::vector<size_t>{1, 5}));
  const std::vector<Event> committed = recorder.TakeCommitted();
  ASSERT_EQ(committed.size(), 6u);
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(committed[static_cast<size_t>(i)].sequence, i + 1);
    EXPECT_EQ(std::get<RunStopped>(committed[static_cast<size_t>(i)].body).reason,
              std::to_string(i + 1));
  }
  EXPECT_TRUE(recorder.TakeCommitted().empty());
  EXPECT_EQ(store.Read(0)->size(), 6u);
}

TEST(Recorder, CommitsWithoutBeingAskedHoweverManyCameBefore) {
  SlowStore store;
  SourceCache sources(store);
  Recorder recorder(store, sources, 0, false, {});
  store.Allow(100);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(recorder.Add(One("alone"), SourceOf(std::to_string(i))).ok());
    store.AwaitCommit(i);
    if (i % 5 == 0) {
      ASSERT_TRUE(recorder.Flush().ok());
      ASSERT_TRUE(recorder.Flush().ok());
    }
  }
}

TEST(Recorder, ASourceCanBeReadBeforeAndAfterItsCommit) {
  SlowStore store;
  SourceCache sources(store);
  Recorder recorder(store, sources, 0, false, {});
  ASSERT_TRUE(recorder.Add(One("1"), SourceOf("text")).ok());
  store.AwaitCommit(1);
  EXPECT_FALSE(store.GetSource(Sha256Hex("text")).ok());
  EXPECT_EQ(sources.ReadSource(Sha256("text")).value_or(""), "text");
  store.Allow(1);
  ASSERT_TRUE(recorder.Flush().ok());
  EXPECT_EQ(store.GetSource(Sha256Hex("text")).value_or(""), "text");
  EXPECT_EQ(sources.ReadSource(Sha256("text")).value_or(""), "text");
}

TEST(Recorder, NumbersGoOnWhereTheRecordEnded) {
  MemoryStore store;
  ASSERT_TRUE(store.Append({.body = RunStopped{"before"}}).ok());
  SourceCache sources(store);
  Recorder recorder(store, sources, 1, true, {});
  std::array<Event, 2> two = {Event{.body = RunStopped{"a"}}, Event{.body = RunStopped{"b"}}};
  EXPECT_EQ(*recorder.Add(two, {}), 3);
  ASSERT_TRUE(recorder.Flush().ok());
  EXPECT_EQ(store.Read(1)->size(), 2u);
}

TEST(Recorder, AnEventThatSomebodyElseWroteIsNoticed) {
  MemoryStore store;
  SourceCache sources(store);
  Recorder recorder(store, sources, 0, true, {});
  ASSERT_TRUE(store.Append({}).ok());
  ASSERT_TRUE(recorder.Add(One("1"), std::nullopt).ok());
  const Status status = recorder.Flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kDataLoss);
}

TEST(Recorder, AfterAFailureEveryCallGivesItAndNothingMoreIsCommitted) {
  MemoryStore inner;
  FaultyStore store(inner);
  SourceCache sources(store);
  std::atomic<int> told = 0;
  Recorder recorder(store, sources, 0, true, [&] { ++told; });
  ASSERT_TRUE(recorder.Add(One("1"), std::nullopt).ok());
  ASSERT_TRUE(recorder.Flush().ok());
  store.FailFrom(1, Error{ErrorCode::kResourceExhausted, "disk full"});
  ASSERT_TRUE(recorder.Add(One("2"), SourceOf("x")).ok());
  const Status status = recorder.Flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "disk full");
  store.Mend();
  EXPECT_EQ(recorder.Add(One("3"), std::nullopt).error().message, "disk full");
  EXPECT_FALSE(recorder.Flush().ok());
  EXPECT_EQ(inner.Read(0)->size(), 1u);
  EXPECT_EQ(recorder.TakeCommitted().size(), 1u);
}

TEST(Recorder, HoldsBackWhoeverIsFarAheadOfTheDisk) {
  SlowStore store;
  SourceCache sources(store);
  Recorder recorder(store, sources, 0, false, {});
  ASSERT_TRUE(recorder.Add(One("first"), std::nullopt).ok());
  store.AwaitCommit(1);
  std::atomic<size_t> added = 0;
  {
    const std::jthread adding([&] {
      for (size_t i = 0; i < Recorder::kMostWaiting + 10; ++i) {
        if (recorder.Add(One("more"), std::nullopt).ok()) ++added;
      }
    });
    while (added < Recorder::kMostWaiting) std::this_thread::yield();
    EXPECT_EQ(added, Recorder::kMostWaiting);
    store.Allow(4);
  }
  EXPECT_EQ(added, Recorder::kMostWaiting + 10);
  ASSERT_TRUE(recorder.Flush().ok());
}

}  // namespace
}  // namespace ks
