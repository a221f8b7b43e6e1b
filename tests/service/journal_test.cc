#include "service/journal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "base/file.h"
#include "base/rng.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

constexpr int64_t kLarge = int64_t{1} << 30;

std::string IdOf(int i) { return fmt::format("{:032x}", i); }

NewEvaluation Sample(int i) {
  NewEvaluation one;
  one.pending.status.id = IdOf(i);
  one.pending.status.task = "matmul";
  one.pending.status.task_hash = "hash";
  one.pending.status.backend = "cpu";
  one.pending.status.priority = i % 3;
  one.pending.status.accepted_unix_ms = 1000 + i;
  one.pending.sequence = i;
  one.task_json = "{\"name\":\"matmul\"}";
  one.request_json = "{\"source\":\"x" + std::to_string(i) + "\"}";
  return one;
}

EvaluationStatus FinishedSample(int i, const std::string& evaluation) {
  EvaluationStatus status = Sample(i).pending.status;
  status.state = EvaluationState::kFinished;
  status.finished_unix_ms = 5000;
  status.tries = 1;
  status.device = "cpu";
  status.evaluation_json = evaluation;
  return status;
}

Status Wait(const std::function<void(Journal::Done)>& start) {
  std::promise<Status> done;
  start([&](const Status& status) { done.set_value(status); });
  return done.get_future().get();
}

Status Accept(Journal& journal, std::vector<NewEvaluation> rows) {
  return Wait([&](Journal::Done done) { journal.Accept(std::move(rows), std::move(done)); });
}

Status Finish(Journal& journal, const EvaluationStatus& status, bool reusable = true) {
  return Wait([&](Journal::Done done) { journal.Finish(status, reusable, std::move(done)); });
}

std::unique_ptr<Journal> MustOpen(const std::string& folder, int64_t limit = kLarge) {
  Result<std::unique_ptr<Journal>> journal = Journal::Open(folder, limit);
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  return journal.ok() ? *std::move(journal) : nullptr;
}

TEST(Journal, KeepsWhatWasAcceptedOverARestartInOrder) {
  const TempFolder folder;
  {
    auto journal = MustOpen(folder.path());
    ASSERT_TRUE(Accept(*journal, {Sample(1), Sample(2)}).ok());
    ASSERT_TRUE(Accept(*journal, {Sample(3)}).ok());
    ASSERT_TRUE(Finish(*journal, FinishedSample(2, "{\"a\":1}")).ok());
  }
  auto journal = MustOpen(folder.path());
  const auto rows = journal->Unfinished();
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].status.id, IdOf(1));
  EXPECT_EQ((*rows)[1].status.id, IdOf(3));
  EXPECT_EQ((*rows)[1].sequence, 3);
  EXPECT_EQ(*journal->RequestOf(IdOf(3)), "{\"source\":\"x3\"}");
  EXPECT_EQ(**journal->FindTask("hash"), "{\"name\":\"matmul\"}");
  const auto found = journal->FindFinished(IdOf(2));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->status.evaluation_json, "{\"a\":1}");
  EXPECT_EQ((*found)->status.tries, 1);
  EXPECT_TRUE((*found)->reusable);
}

TEST(Journal, DoesNotFindWhatIsUnfinishedOrUnknown) {
  const TempFolder folder;
  auto journal = MustOpen(folder.path());
  ASSERT_TRUE(Accept(*journal, {Sample(1)}).ok());
  EXPECT_FALSE(journal->FindFinished(IdOf(1))->has_value());
  EXPECT_FALSE(journal->FindFinished(IdOf(9))->has_value());
  EXPECT_FALSE(journal->FindTask("other")->has_value());
  EXPECT_EQ(journal->RequestOf(IdOf(9)).error().code, ErrorCode::kNotFound);
}

TEST(Journal, CountsStartsUntilTheResultIsIn) {
  const TempFolder folder;
  {
    auto journal = MustOpen(folder.path());
    ASSERT_TRUE(Accept(*journal, {Sample(1), Sample(2)}).ok());
    journal->NoteStart(IdOf(1), false);
    journal->NoteStart(IdOf(1), true);  // returned to the queue
    journal->NoteStart(IdOf(2), false);
    journal->NoteStart(IdOf(2), false);
  }
  auto journal = MustOpen(folder.path());
  EXPECT_EQ((*journal->Unfinished())[0].starts, 0);
  EXPECT_EQ((*journal->Unfinished())[1].starts, 2);
}

TEST(Journal, EvictsTheLeastRecentlyUsedOutcomesAndNeverTheWaiting) {
  const TempFolder folder;
  constexpr int64_t kLimit = 64 << 10;
  auto journal = MustOpen(folder.path(), kLimit);
  std::string text;  // does not compress well
  ASSERT_TRUE(Accept(*journal, {Sample(100000)}).ok());
  for (int i = 0; i < 300; ++i) {
    text.clear();
    for (int k = 0; k < 40; ++k) text += std::to_string((i * 7919 + k * 104729) % 99991);
    ASSERT_TRUE(Accept(*journal, {Sample(i)}).ok());
    ASSERT_TRUE(Finish(*journal, FinishedSample(i, text)).ok());
    if (i > 0) journal->NoteUse(IdOf(0));
  }
  ASSERT_TRUE(Accept(*journal, {Sample(1000)}).ok());  // all before it is committed and counted
  const Journal::Counts counts = journal->counts();
  EXPECT_GT(counts.evicted, 100);
  EXPECT_LE(counts.cached_bytes, kLimit + kLimit / 8);
  EXPECT_TRUE(journal->FindFinished(IdOf(0))->has_value()) << "used last";
  EXPECT_FALSE(journal->FindFinished(IdOf(5))->has_value());
  EXPECT_TRUE(journal->FindFinished(IdOf(299))->has_value());
  EXPECT_EQ(journal->Unfinished()->size(), 2u);
  EXPECT_LT(std::filesystem::file_size(folder / "service.sqlite"), size_t{1} << 20);
}

TEST(Journal, KeepsBinariesWithinTheSameRoom) {
  const TempFolder folder;
  constexpr int64_t kLimit = 64 << 10;
  {
    auto journal = MustOpen(folder.path(), kLimit);
    EXPECT_FALSE(journal->FindBlob("a").has_value());
    journal->PutBlob("a", std::string("binary\0code", 11));
    ASSERT_TRUE(Accept(*journal, {}).ok());
    EXPECT_EQ(journal->FindBlob("a"), std::string("binary\0code", 11));
  }
  auto journal = MustOpen(folder.path(), kLimit);
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(1000, ' ');
    for (char& c : bytes) c = static_cast<char>(rng.Next());
    journal->PutBlob(std::to_string(i), bytes);
    ASSERT_TRUE(Accept(*journal, {}).ok());
    EXPECT_TRUE(journal->FindBlob("a").has_value()) << "used all the time, at " << i;
    ASSERT_TRUE(Accept(*journal, {}).ok());
  }
  EXPECT_LE(journal->counts().cached_bytes, kLimit + kLimit / 8);
  EXPECT_GT(journal->counts().evicted, 50);
  EXPECT_FALSE(journal->FindBlob("1").has_value());
  EXPECT_TRUE(journal->FindBlob("199").has_value());
}

TEST(Journal, KeepsASecondServiceOutOfItsFolder) {
  const TempFolder folder;
  auto journal = MustOpen(folder.path());
  const auto second = Journal::Open(folder.path(), kLarge);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("--cache"), std::string::npos) << second.error().message;
}

TEST(Journal, RefusesAForeignAndANewerFile) {
  const TempFolder folder;
  {
    auto db = SqliteDb::Open(folder / "service.sqlite", SqliteDb::Access::kCreate, 100);
    ASSERT_TRUE(db->Run("CREATE TABLE other(x)").ok());
  }
  EXPECT_EQ(Journal::Open(folder.path(), kLarge).error().code, ErrorCode::kInvalidArgument);
  const TempFolder newer;
  MustOpen(newer.path()).reset();
  {
    auto db = SqliteDb::Open(newer / "service.sqlite", SqliteDb::Access::kWrite, 100);
    ASSERT_TRUE(db->Run("PRAGMA user_version = 99").ok());
  }
  const auto opened = Journal::Open(newer.path(), kLarge);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("newer"), std::string::npos);
}

TEST(Journal, SaysThatAFolderCannotBeMade) {
  const TempFolder folder;
  PosixFileSystem files;
  ASSERT_TRUE(files.WriteAtomically(folder / "file", "x").ok());
  const auto opened = Journal::Open(folder / "file", kLarge);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("file"), std::string::npos);
}

TEST(Journal, AFinishedOneCanBeAskedAnew) {
  const TempFolder folder;
  auto journal = MustOpen(folder.path());
  ASSERT_TRUE(Accept(*journal, {Sample(1)}).ok());
  ASSERT_TRUE(Finish(*journal, FinishedSample(1, "{}"), false).ok());
  ASSERT_TRUE(Accept(*journal, {Sample(1)}).ok());
  EXPECT_FALSE(journal->FindFinished(IdOf(1))->has_value());
  EXPECT_EQ(journal->Unfinished()->size(), 1u);
}

TEST(Journal, CommitsManySmallRequestsTogether) {
  const TempFolder folder;
  auto journal = MustOpen(folder.path());
  std::atomic<int> done = 0;
  for (int i = 0; i < 500; ++i) {
    journal->Accept({Sample(i)}, [&](const Status& status) { done += status.ok() ? 1 : 0; });
  }
  ASSERT_TRUE(Accept(*journal, {}).ok());
  EXPECT_EQ(done, 500);
  EXPECT_EQ(journal->Unfinished()->size(), 500u);
}

}  // namespace
}  // namespace ks
