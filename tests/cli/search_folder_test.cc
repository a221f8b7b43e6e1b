#include "cli/search_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.h"
#include "cli/wiring.h"
#include "store/run_folder.h"
#include "store/sqlite_store.h"
#include "task/scaffold.h"

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

// As on two devices: each thread has a search of its own.
TEST_F(SearchFolder, SearchesInSeveralFoldersGoOnAtOnce) {
  if (const auto backend = OpenHostBackend(); !backend.ok()) {
    GTEST_SKIP() << backend.error().message;
  }
  PosixFileSystem files;
  ASSERT_TRUE(files.MakeDirs(folder_).ok());
  ASSERT_TRUE(WriteScaffold(files, folder_ + "/task", "small").ok());
  // As the baseline it spares the searches looking for flags.
  const std::string seed = *files.Read(folder_ + "/task/seed.cc", kMaxTextFileBytes);
  std::ofstream(folder_ + "/quick.toml") << "[evaluation]\ncheck_trials = 1\n"
                                            "time_budget_s = 0.05\nmax_pairs = 6\n";
  std::vector<std::optional<Result<RecordedRun>>> runs(2);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < runs.size(); ++i) {
      threads.emplace_back([this, i, &runs, &seed] {
        EvolveOptions options;
        options.task = folder_ + "/task";
        options.config_file = folder_ + "/quick.toml";
        options.run_dir = fmt::format("{}/run{}", folder_, i);
        options.seed = i;
        options.steps = 1;
        runs[i].emplace(SearchInFolder(options, seed, {}, {}));
      });
    }
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    const Result<RecordedRun>& run = *runs[i];
    ASSERT_TRUE(run.ok()) << run.error().message;
    EXPECT_EQ(run->view.started.seed, i);
    EXPECT_EQ(run->view.stop_reason, "steps");
    EXPECT_NE(run->view.best, kNoCandidate);
  }
}

}  // namespace
}  // namespace ks
