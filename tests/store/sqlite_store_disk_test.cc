// Full disks and read-only folders, with real ones where this user may mount them.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "base/rng.h"
#include "store/run_lock.h"
#include "store/sqlite_store.h"
#include "tests/core/sample_events.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

// A small file system in memory, visible to this process only and gone with it.
class SmallDisk {
 public:
  // Null when this user may not mount; `why` says so.
  static std::unique_ptr<SmallDisk> Mount(const std::string& folder, const char* size,
                                          std::string& why) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", folder.c_str(), "tmpfs", 0, size) != 0) {
      why = "mounting a tmpfs needs root";
      return nullptr;
    }
    return std::unique_ptr<SmallDisk>(new SmallDisk(folder));
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() { umount2(folder_.c_str(), MNT_DETACH); }
  void MakeReadOnly() const {
    KS_CHECK(mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  }

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  const std::string folder_;
};

Event BigEvent(size_t bytes) {
  return {.body = CandidateProposed{.rationale = std::string(bytes, 'r')}};
}

// Appends until it fails; the number of events appended.
int64_t FillUp(Store& store, Error& error) {
  for (int64_t n = 0; n < 10'000; ++n) {
    const auto sequence = store.Append(BigEvent(10'000));
    if (!sequence.ok()) {
      error = sequence.error();
      return n;
    }
  }
  ADD_FAILURE() << "never full";
  return -1;
}

class SqliteStoreDisk : public testing::Test {
 protected:
  void MountOrSkip(const char* size) {
    std::string why;
    disk_ = SmallDisk::Mount(folder_.path(), size, why);
    if (!disk_) GTEST_SKIP() << why;
  }
  TempFolder folder_;
  std::unique_ptr<SmallDisk> disk_;
  const std::string path_ = folder_ / "run.sqlite";
};

TEST_F(SqliteStoreDisk, APageLimitIsResourceExhaustedAndNothingIsLost) {
  const auto store = SqliteStore::Open(path_, StoreMode::kCreate, {.max_pages = 40});
  ASSERT_TRUE(store.ok()) << store.error().message;
  Error error;
  const int64_t count = FillUp(**store, error);
  EXPECT_GT(count, 3);
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_NE(error.message.find("free some disk space, then resume"), std::string::npos)
      << error.message;
  EXPECT_EQ(static_cast<int64_t>((*store)->Read(0)->size()), count);
}

TEST_F(SqliteStoreDisk, AFullDiskIsResourceExhaustedAndTheRunGoesOnOnceThereIsRoom) {
  MountOrSkip("size=1m");
  if (IsSkipped()) return;
  const std::string ballast = folder_ / "ballast";
  std::ofstream(ballast) << std::string(300'000, 'b');
  const auto store = SqliteStore::Open(path_, StoreMode::kCreate);
  ASSERT_TRUE(store.ok()) << store.error().message;
  Error error;
  const int64_t count = FillUp(**store, error);
  EXPECT_GT(count, 3);
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted) << error.message;
  EXPECT_NE(error.message.find("then resume the run"), std::string::npos) << error.message;
  std::string incompressible;
  Rng rng(1);
  while (incompressible.size() < 200'000) incompressible.push_back(static_cast<char>(rng.Next()));
  const auto hash = (*store)->PutSource(incompressible);
  ASSERT_FALSE(hash.ok());
  EXPECT_EQ(hash.error().code, ErrorCode::kResourceExhausted) << hash.error().message;
  ASSERT_EQ(static_cast<int64_t>((*store)->Read(0)->size()), count);
  std::filesystem::remove(ballast);
  const auto sequence = (*store)->Append(BigEvent(10'000));
  ASSERT_TRUE(sequence.ok()) << sequence.error().message;
  EXPECT_EQ(*sequence, count + 1);
}

TEST_F(SqliteStoreDisk, ARunOnAFullDiskIsReadableAfterItsWriterIsGone) {
  MountOrSkip("size=600k");
  if (IsSkipped()) return;
  int64_t count = 0;
  {
    const auto store = SqliteStore::Open(path_, StoreMode::kCreate);
    ASSERT_TRUE(store.ok()) << store.error().message;
    Error error;
    count = FillUp(**store, error);
    EXPECT_EQ(error.code, ErrorCode::kResourceExhausted) << error.message;
  }
  const auto reader = SqliteStore::Open(path_, StoreMode::kRead);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(static_cast<int64_t>((*reader)->Read(0)->size()), count);
}

TEST_F(SqliteStoreDisk, ADiskFullFromTheBeginningIsResourceExhausted) {
  MountOrSkip("size=64k");
  if (IsSkipped()) return;
  std::ofstream(folder_ / "ballast") << std::string(64'000, 'b');
  const auto store = SqliteStore::Open(path_, StoreMode::kCreate);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, ErrorCode::kResourceExhausted) << store.error().message;
}

TEST_F(SqliteStoreDisk, AClosedRunInAReadOnlyFolderIsReadButNotWritten) {
  MountOrSkip("size=2m");
  if (IsSkipped()) return;
  {
    const auto store = SqliteStore::Open(path_, StoreMode::kCreate);
    ASSERT_TRUE(store.ok() && (*store)->Append({}).ok());
  }
  disk_->MakeReadOnly();
  const auto reader = SqliteStore::Open(path_, StoreMode::kRead);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ((*reader)->Read(0)->size(), 1u);
  for (const StoreMode mode : {StoreMode::kWrite, StoreMode::kCreate}) {
    const auto writer = SqliteStore::Open(path_, mode);
    ASSERT_FALSE(writer.ok());
    EXPECT_EQ(writer.error().code, ErrorCode::kFailedPrecondition) << writer.error().message;
  }
  EXPECT_EQ(RunLock::Acquire(folder_ / "lock").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(SqliteStore::Open(folder_ / "new.sqlite", StoreMode::kCreate).error().code,
            ErrorCode::kFailedPrecondition);
}

// What a killed writer leaves: the file, its log, and (on the same machine) the log's index.
void CopyKilledRun(const std::string& path, const std::string& to, bool with_index) {
  const auto store = SqliteStore::Open(path, StoreMode::kCreate);
  KS_CHECK(store.ok());
  for (int i = 0; i < 3; ++i) KS_CHECK((*store)->Append({.body = RunStopped{}}).ok());
  std::filesystem::copy_file(path, to);
  std::filesystem::copy_file(path + "-wal", to + "-wal");
  if (with_index) std::filesystem::copy_file(path + "-shm", to + "-shm");
}

TEST_F(SqliteStoreDisk, AKilledRunInAReadOnlyFolderIsReadWithItsLog) {
  MountOrSkip("size=2m");
  if (IsSkipped()) return;
  const std::string copy = folder_ / "copy.sqlite";
  CopyKilledRun(path_, copy, /*with_index=*/true);
  disk_->MakeReadOnly();
  const auto reader = SqliteStore::Open(copy, StoreMode::kRead);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ((*reader)->Read(0)->size(), 3u);
}

TEST_F(SqliteStoreDisk, AKilledRunInAReadOnlyFolderWithoutIndexSaysWhatToDo) {
  MountOrSkip("size=2m");
  if (IsSkipped()) return;
  const std::string copy = folder_ / "copy.sqlite";
  CopyKilledRun(path_, copy, /*with_index=*/false);
  disk_->MakeReadOnly();
  const auto reader = SqliteStore::Open(copy, StoreMode::kRead);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(reader.error().message.find("copy the folder to a writable place"), std::string::npos);
}

// A user whom permissions bind, also when the tests run as root.
class AsOrdinaryUser {
 public:
  explicit AsOrdinaryUser(const std::string& folder, bool owner) : was_root_(geteuid() == 0) {
    if (!was_root_) return;
    constexpr uid_t kNobody = 65534;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (owner) KS_CHECK(chown(entry.path().c_str(), kNobody, kNobody) == 0);
    }
    if (owner) KS_CHECK(chown(folder.c_str(), kNobody, kNobody) == 0);
    KS_CHECK(seteuid(kNobody) == 0);
  }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;
  ~AsOrdinaryUser() {
    if (was_root_) KS_CHECK(seteuid(0) == 0);
  }

 private:
  const bool was_root_;
};

TEST_F(SqliteStoreDisk, AFileWithoutWritePermissionIsReadButNotWritten) {
  {
    const auto store = SqliteStore::Open(path_, StoreMode::kCreate);
    ASSERT_TRUE(store.ok() && (*store)->Append({}).ok());
  }
  const AsOrdinaryUser user(folder_.path(), /*owner=*/true);
  for (const mode_t folder_mode : {0755u, 0555u}) {
    ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
    ASSERT_EQ(chmod(folder_.path().c_str(), folder_mode), 0);
    const auto reader = SqliteStore::Open(path_, StoreMode::kRead);
    ASSERT_TRUE(reader.ok()) << reader.error().message;
    const auto events = (*reader)->Read(0);
    ASSERT_TRUE(events.ok()) << events.error().message;
    EXPECT_EQ(events->size(), 1u);
    EXPECT_EQ(SqliteStore::Open(path_, StoreMode::kWrite).error().code,
              ErrorCode::kFailedPrecondition);
  }
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
}

TEST_F(SqliteStoreDisk, AUserWithoutWritePermissionSeesARunThatIsBeingWritten) {
  if (geteuid() != 0) GTEST_SKIP() << "taking the part of two users needs root";
  const auto writer = SqliteStore::Open(path_, StoreMode::kCreate);
  ASSERT_TRUE(writer.ok() && (*writer)->Append({}).ok());
  ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
  std::optional<AsOrdinaryUser> user(std::in_place, folder_.path(), /*owner=*/false);
  const auto reader = SqliteStore::Open(path_, StoreMode::kRead);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ((*reader)->Read(0)->size(), 1u);
  user.reset();
  ASSERT_TRUE((*writer)->Append({}).ok());
  user.emplace(folder_.path(), /*owner=*/false);
  EXPECT_EQ((*reader)->Read(0)->size(), 2u);
}

}  // namespace
}  // namespace ks
