#include "cli/search_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "store/run_folder.h"
#include "store/sqlite_store.h"

namespace ks {
namespace {

class SearchFolder : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static ProtocolMaker Says(const std::string& text) {
    return [text](const std::string& earlier) -> Result<std::string> {
      if (earlier.empty() || earlier == text) return text;
      return Error{ErrorCode::kFailedPrecondition, "it holds " + earlier};
    };
  }
  std::string folder_ = ::testing::TempDir() + "ks_search_folder_" + std::to_string(::getpid());
};

TEST_F(SearchFolder, BelongsToTheProtocolThatFilledIt) {
  {
    const Result<RunLock> first = ClaimFolder(folder_, Says("one"));
    ASSERT_TRUE(first.ok()) << first.error().message;
  }
  EXPECT_TRUE(ClaimFolder(folder_, Says("one")).ok());
  const Result<RunLock> other = ClaimFolder(folder_, Says("two"));
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(other.error().message.find("it holds one"), std::string::npos);
  EXPECT_NE(other.error().message.find("--out"), std::string::npos);
}

TEST_F(SearchFolder, IsFilledByOneAtATime) {
  const Result<RunLock> first = ClaimFolder(folder_, Says("one"));
  ASSERT_TRUE(first.ok());
  const Result<RunLock> second = ClaimFolder(folder_, Says("one"));
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("is filling this folder"), std::string::npos);
}

TEST_F(SearchFolder, ARunThatWasKilledBeforeItBeganIsEmpty) {
  std::filesystem::create_directories(folder_);
  EXPECT_EQ(IsEmptyRecord(folder_).error().code, ErrorCode::kNotFound);
  const std::string database = RunFolder(folder_).DatabasePath();
  std::ofstream(database).flush();
  EXPECT_TRUE(*IsEmptyRecord(folder_));
  std::filesystem::remove(database);
  {
    const auto store = SqliteStore::Open(database, StoreMode::kCreate);
    ASSERT_TRUE(store.ok()) << store.error().message;
  }
  EXPECT_TRUE(*IsEmptyRecord(folder_));
  {
    const auto store = SqliteStore::Open(database, StoreMode::kWrite);
    ASSERT_TRUE(store.ok()) << store.error().message;
    Event event;
    event.body = RunStarted{};
    ASSERT_TRUE((*store)->Append(event).ok());
  }
  EXPECT_FALSE(*IsEmptyRecord(folder_));
}

}  // namespace
}  // namespace ks
