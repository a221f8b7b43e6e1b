#include "tests/store/faulty_store.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"

namespace ks {
namespace {

const Error kFull{ErrorCode::kResourceExhausted, "disk full"};

TEST(FaultyStore, FailsFromTheNthWriteOnAndLeavesTheInnerStoreAlone) {
  MemoryStore inner;
  FaultyStore store(inner);
  store.FailFrom(3, kFull);
  EXPECT_TRUE(store.Append({}).ok());
  EXPECT_TRUE(store.PutSource("a").ok());
  const Result<int64_t> third = store.Append({});
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(store.PutResult("k", {}).ok());
  EXPECT_EQ(inner.Read(0)->size(), 1u);
  EXPECT_EQ(store.calls(), 4);
}

TEST(FaultyStore, ReadsWorkWhileWritesFail) {
  MemoryStore inner;
  FaultyStore store(inner);
  ASSERT_TRUE(store.Append({}).ok());
  store.FailFrom(1, kFull);
  EXPECT_FALSE(store.Append({}).ok());
  EXPECT_EQ(store.Read(0)->size(), 1u);
}

TEST(FaultyStore, CountsReadsWhenAskedTo) {
  MemoryStore inner;
  FaultyStore store(inner, FaultyStore::Counts::kAll);
  store.FailFrom(2, kFull);
  EXPECT_TRUE(store.Read(0).ok());
  EXPECT_FALSE(store.GetResult("k").ok());
}

TEST(FaultyStore, WorksAgainOnceMended) {
  MemoryStore inner;
  FaultyStore store(inner);
  store.FailFrom(1, kFull);
  EXPECT_FALSE(store.Append({}).ok());
  store.Mend();
  const Result<int64_t> sequence = store.Append({});
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(*sequence, 1);
}

}  // namespace
}  // namespace ks
