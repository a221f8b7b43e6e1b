#include "base/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

namespace ks {
namespace {

using Names = std::vector<std::string>;

class PosixFileTest : public testing::Test {
 protected:
  PosixFileTest() : root_(testing::TempDir() + "/ks_file_XXXXXX") {
    KS_CHECK(mkdtemp(root_.data()) != nullptr);
  }
  ~PosixFileTest() override { static_cast<void>(files_.RemoveAll(root_).ok()); }
  std::string In(const std::string& name) const { return root_ + "/" + name; }

  std::string root_;
  PosixFileSystem files_;
};

// What the disk and its stand-in must agree on.
void ExpectFileSystemContract(FileSystem& files, const std::string& root) {
  const std::string deep = root + "/a/b";
  ASSERT_TRUE(files.MakeDirs(deep).ok());
  ASSERT_TRUE(files.MakeDirs(deep).ok());
  EXPECT_TRUE(files.IsDir(root + "/a"));
  EXPECT_FALSE(files.IsFile(deep));
  EXPECT_EQ(*files.List(root + "/a"), Names{"b"});
  EXPECT_TRUE(files.List(deep)->empty());
  ASSERT_TRUE(files.WriteAtomically(deep + "/2", "two").ok());
  ASSERT_TRUE(files.WriteAtomically(deep + "/1", std::string("o\0e", 3)).ok());
  ASSERT_TRUE(files.WriteAtomically(deep + "/2", "new").ok());
  EXPECT_EQ(*files.List(deep), (Names{"1", "2"}));
  EXPECT_EQ(*files.Read(deep + "/2", 3), "new");
  EXPECT_EQ(*files.Read(deep + "/1", 3), std::string("o\0e", 3));
  EXPECT_TRUE(files.IsFile(deep + "/1"));
  EXPECT_FALSE(files.IsDir(deep + "/1"));
  EXPECT_EQ(files.Read(deep + "/2", 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(files.Read(deep, 100).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(files.Read(deep + "/none", 100).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(files.List(deep + "/none").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(files.RemoveAll(deep + "/1").ok());
  EXPECT_FALSE(files.IsFile(deep + "/1"));
  ASSERT_TRUE(files.RemoveAll(root + "/a").ok());
  EXPECT_FALSE(files.IsDir(deep));
  EXPECT_TRUE(files.RemoveAll(root + "/a").ok());
}

TEST_F(PosixFileTest, KeepsTheContract) { ExpectFileSystemContract(files_, root_); }

TEST(MemoryFileSystem, KeepsTheContract) {
  MemoryFileSystem files;
  ExpectFileSystemContract(files, "root");
}

TEST(MemoryFileSystem, FailsWritesOnDemandAndReadsOn) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteAtomically("f", "x").ok());
  files.FailWrites({ErrorCode::kResourceExhausted, "full"});
  EXPECT_EQ(files.WriteAtomically("f", "y").error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(*files.Read("f", 10), "x");
}

TEST_F(PosixFileTest, AWriteThatFailsHalfWayLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(files_.WriteAtomically(In("f"), "old").ok());
  const pid_t child = fork();
  if (child == 0) {
    // A limit on the size of files stands in for a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(files_.WriteAtomically(In("f"), std::string(100'000, 'n')).ok() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the write did not fail";
  EXPECT_EQ(*files_.Read(In("f"), 1 << 20), "old");
  EXPECT_EQ(*files_.List(root_), Names{"f"});
}

TEST_F(PosixFileTest, AWriteOntoAFolderFailsAndLeavesNothing) {
  ASSERT_TRUE(files_.MakeDirs(In("d/inner")).ok());
  EXPECT_FALSE(files_.WriteAtomically(In("d"), "x").ok());
  EXPECT_EQ(*files_.List(root_), Names{"d"});
}

TEST_F(PosixFileTest, AWriteIntoAMissingFolderIsNotFound) {
  EXPECT_EQ(files_.WriteAtomically(In("none/f"), "x").error().code, ErrorCode::kNotFound);
}

TEST_F(PosixFileTest, ThreadsThatWriteOneFileNeverMixTheirBytes) {
  constexpr size_t kBytes = 200'000;
  {
    std::vector<std::jthread> writers;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      writers.emplace_back([this, letter] {
        for (int i = 0; i < 5; ++i) {
          EXPECT_TRUE(files_.WriteAtomically(In("f"), std::string(kBytes, letter)).ok());
        }
      });
    }
  }
  const std::string bytes = *files_.Read(In("f"), 1 << 20);
  EXPECT_EQ(bytes, std::string(kBytes, bytes.at(0)));
  EXPECT_EQ(*files_.List(root_), Names{"f"});
}

TEST(ErrnoError, SaysWhatTheCallerCanDo) {
  EXPECT_EQ(ErrnoError(ENOENT, "x").code, ErrorCode::kNotFound);
  EXPECT_EQ(ErrnoError(ENOSPC, "x").code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(ErrnoError(EDQUOT, "x").code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(ErrnoError(EROFS, "x").code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ErrnoError(EACCES, "x").code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ErrnoError(EIO, "x").code, ErrorCode::kInternal);
  EXPECT_EQ(ErrnoError(ENOSPC, "cannot write f").message,
            "cannot write f: No space left on device");
}

}  // namespace
}  // namespace ks
