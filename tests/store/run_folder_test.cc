#include "store/run_folder.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

std::vector<std::string> PathsOf(const Result<std::vector<RunFolder>>& runs) {
  std::vector<std::string> paths;
  for (const RunFolder& run : *runs) paths.push_back(run.path());
  return paths;
}

TEST(RunFolder, SaysWhereEachFileLies) {
  const RunFolder folder("runs/one/");
  EXPECT_EQ(folder.path(), "runs/one");
  EXPECT_EQ(folder.DatabasePath(), "runs/one/run.sqlite");
  EXPECT_EQ(folder.ReportPath(), "runs/one/report.html");
  EXPECT_EQ(folder.BestPath(), "runs/one/best.cc");
  EXPECT_EQ(folder.BestPath("cu"), "runs/one/best.cu");
  EXPECT_EQ(folder.LockPath(), "runs/one/lock");
}

TEST(ListRuns, FindsTheFoldersWithADatabaseByName) {
  MemoryFileSystem files;
  for (const char* path : {"runs/b/run.sqlite", "runs/a/run.sqlite", "runs/c/notes.txt",
                           "runs/run.txt", "runs/d/deep/run.sqlite"}) {
    ASSERT_TRUE(files.WriteAtomically(path, "x").ok());
  }
  const auto runs = ListRuns(files, "runs/");
  ASSERT_TRUE(runs.ok()) << runs.error().message;
  EXPECT_EQ(PathsOf(runs), (std::vector<std::string>{"runs/a", "runs/b"}));
}

TEST(ListRuns, ARunFolderIsItsOwnOnlyRun) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteAtomically("runs/a/run.sqlite", "x").ok());
  EXPECT_EQ(PathsOf(ListRuns(files, "runs/a")), (std::vector<std::string>{"runs/a"}));
}

TEST(ListRuns, AMissingRootIsNotFound) {
  MemoryFileSystem files;
  const auto runs = ListRuns(files, "nowhere");
  ASSERT_FALSE(runs.ok());
  EXPECT_EQ(runs.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ks
