#include "store/sqlite_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/hash.h"
#include "store/compress.h"
#include "store/migrations.h"
#include "store/sqlite_reader.h"
#include "tests/core/sample_events.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

std::unique_ptr<SqliteStore> MustOpen(const std::string& path, StoreMode mode) {
  auto store = SqliteStore::Open(path, mode);
  if (!store.ok()) std::fprintf(stderr, "%s\n", store.error().message.c_str());
  KS_CHECK(store.ok());
  return *std::move(store);
}

ErrorCode CodeOf(const std::string& path, StoreMode mode) {
  const auto store = SqliteStore::Open(path, mode);
  EXPECT_FALSE(store.ok());
  return store.ok() ? ErrorCode::kInternal : store.error().code;
}

// A second, raw connection that does to the file what no store would.
void Damage(const std::string& path, const std::string& sql) {
  const auto db = SqliteDb::Open(path, SqliteDb::Access::kWrite, 1000);
  KS_CHECK(db.ok());
  const Status status = db->Run(sql);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  KS_CHECK(status.ok());
}

class SqliteStoreTest : public testing::Test {
 protected:
  TempFolder folder_;
  const std::string path_ = folder_ / "run.sqlite";
};

TEST_F(SqliteStoreTest, KeepsEverythingWhenClosedAndOpenedAgain) {
  std::string hash;
  {
    const auto store = MustOpen(path_, StoreMode::kCreate);
    ASSERT_TRUE(store->Append({.body = RunStopped{.reason = "steps"}}).ok());
    hash = *store->PutSource("int x;");
    ASSERT_TRUE(store->PutResult("k", SampleEvaluation(SampleOutcomes()[0])).ok());
  }
  for (const StoreMode mode : {StoreMode::kRead, StoreMode::kWrite, StoreMode::kCreate}) {
    const auto store = MustOpen(path_, mode);
    const auto events = store->Read(0);
    ASSERT_TRUE(events.ok()) << events.error().message;
    ASSERT_EQ(events->size(), 1u);
    EXPECT_EQ(std::get<RunStopped>((*events)[0].body).reason, "steps");
    EXPECT_EQ(*store->GetSource(hash), "int x;");
    EXPECT_TRUE(store->GetResult("k")->has_value());
  }
  const auto store = MustOpen(path_, StoreMode::kWrite);
  EXPECT_EQ(*store->Append({.body = RunResumed{}}), 2);
}

TEST_F(SqliteStoreTest, LeavesOneFileBehindWhenClosed) {
  {
    const auto store = MustOpen(path_, StoreMode::kCreate);
    ASSERT_TRUE(store->Append({}).ok());
  }
  { const auto reader = MustOpen(path_, StoreMode::kRead); }
  const auto names = PosixFileSystem().List(folder_.path());
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{"run.sqlite"}));
}

TEST_F(SqliteStoreTest, AWriterKeepsAWriteAheadLog) {
  const auto store = MustOpen(path_, StoreMode::kCreate);
  const auto db = SqliteDb::Open(path_, SqliteDb::Access::kRead, 1000);
  ASSERT_TRUE(db.ok());
  EXPECT_EQ(*db->QueryText("PRAGMA journal_mode"), "wal");
}

TEST_F(SqliteStoreTest, AReaderSeesEachCommitWhileAWriterIsAtWork) {
  const auto writer = MustOpen(path_, StoreMode::kCreate);
  const auto reader = MustOpen(path_, StoreMode::kRead);
  for (size_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(writer->Append({.body = RunStopped{}}).ok());
    const auto events = reader->Read(0);
    ASSERT_TRUE(events.ok()) << events.error().message;
    EXPECT_EQ(events->size(), n);
  }
}

TEST_F(SqliteStoreTest, AReaderCannotWrite) {
  const auto writer = MustOpen(path_, StoreMode::kCreate);
  const auto reader = MustOpen(path_, StoreMode::kRead);
  EXPECT_EQ(reader->Append({}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(reader->PutSource("x").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(reader->PutResult("k", {}).error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(SqliteStoreTest, AnotherProcessesLongTransactionIsUnavailable) {
  const auto opened = SqliteStore::Open(path_, StoreMode::kCreate, {.busy_timeout_ms = 20});
  ASSERT_TRUE(opened.ok());
  const auto other = SqliteDb::Open(path_, SqliteDb::Access::kWrite, 1000);
  ASSERT_TRUE(other.ok());
  {
    const auto held = SqliteTransaction::Begin(*other);
    ASSERT_TRUE(held.ok());
    EXPECT_EQ((*opened)->Append({}).error().code, ErrorCode::kUnavailable);
  }
  EXPECT_EQ(*(*opened)->Append({}), 1);
}

TEST_F(SqliteStoreTest, WhatDoesNotExistIsNotFound) {
  EXPECT_EQ(CodeOf(path_, StoreMode::kRead), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(path_, StoreMode::kWrite), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(folder_ / "none/run.sqlite", StoreMode::kCreate), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteStoreTest, AnEmptyFileIsARunThatNeverStarted) {
  std::ofstream(path_).flush();
  EXPECT_EQ(CodeOf(path_, StoreMode::kRead), ErrorCode::kNotFound);
  EXPECT_EQ(*MustOpen(path_, StoreMode::kCreate)->Append({}), 1);
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsADataLossAndIsLeftAlone) {
  const std::string text = "this is not a database, but some text that is long enough to look at";
  std::ofstream(path_) << text;
  EXPECT_EQ(CodeOf(path_, StoreMode::kRead), ErrorCode::kDataLoss);
  EXPECT_EQ(CodeOf(path_, StoreMode::kWrite), ErrorCode::kDataLoss);
  EXPECT_EQ(*PosixFileSystem().Read(path_, 1000), text);
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsRefusedAndLeftAlone) {
  {
    const auto db = SqliteDb::Open(path_, SqliteDb::Access::kCreate, 1000);
    ASSERT_TRUE(db->Run("CREATE TABLE customers(name)").ok());
  }
  const std::string before = *PosixFileSystem().Read(path_, 1 << 20);
  EXPECT_EQ(CodeOf(path_, StoreMode::kRead), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(path_, StoreMode::kCreate), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(*PosixFileSystem().Read(path_, 1 << 20) == before);
}

TEST_F(SqliteStoreTest, ANewerRunIsRefusedByReadersAndWriters) {
  { const auto store = MustOpen(path_, StoreMode::kCreate); }
  Damage(path_, "UPDATE meta SET value = '3' WHERE key = 'format'");
  for (const StoreMode mode : {StoreMode::kRead, StoreMode::kWrite}) {
    const auto store = SqliteStore::Open(path_, mode);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_EQ(store.error().message,
              path_ +
                  ": run folder was written by a newer kernelsmith (format 3, this one knows "
                  "up to 2): update kernelsmith");
  }
}

// A record as 0.1 wrote it, from the golden files: every sample event, and one source.
void MakeFormatOne(const std::string& path, const std::string& source) {
  PosixFileSystem files;
  const std::string golden = std::string(KS_SOURCE_DIR) + "/tests/golden/";
  const auto db = SqliteDb::Open(path, SqliteDb::Access::kCreate, 1000);
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE(db->Run(*files.Read(golden + "run_schema_v1.sql", kMaxTextFileBytes)).ok());
  ASSERT_TRUE(db->Run("INSERT INTO meta VALUES('format', '1')").ok());
  const std::string events = *files.Read(golden + "events_v1.jsonl", kMaxTextFileBytes);
  int64_t sequence = 0;
  for (size_t at = 0, end; (end = events.find('\n', at)) != std::string::npos; at = end + 1) {
    auto insert =
        db->Prepare("INSERT INTO events SELECT ?1, 0, 0.0, json_extract(?2, '$.body.kind'), ?2");
    ASSERT_TRUE(insert.ok());
    const std::string json = events.substr(at, end - at);
    ASSERT_TRUE(insert->Bind(1, ++sequence).BindText(2, json).Run().ok());
  }
  auto insert = db->Prepare("INSERT INTO sources VALUES(?1, ?2, ?3)");
  ASSERT_TRUE(insert.ok());
  insert->BindText(1, Sha256Hex(source)).BindBlob(2, *Compress(source));
  ASSERT_TRUE(insert->Bind(3, static_cast<int64_t>(source.size())).Run().ok());
}

TEST_F(SqliteStoreTest, ARecordOfFormatOneIsReadAsItIsAndGoesOnInTheNewest) {
  const std::string source = "void kernel();\n";
  MakeFormatOne(path_, source);
  const auto check = [&](const SqliteStore& store, size_t appended) {
    const auto read = store.Read(0);
    ASSERT_TRUE(read.ok()) << read.error().message;
    ASSERT_EQ(read->size(), SampleEvents().size() + appended);
    for (size_t i = 0; i < SampleEvents().size(); ++i) {
      EXPECT_EQ(EventToJson((*read)[i]), EventToJson(SampleEvents()[i]));
    }
    EXPECT_EQ(store.GetSource(Sha256Hex(source)).value_or(""), source);
    EXPECT_EQ(store.GetSource(Sha256Hex("other")).error().code, ErrorCode::kNotFound);
  };
  check(*MustOpen(path_, StoreMode::kRead), 0);
  {
    const auto store = MustOpen(path_, StoreMode::kWrite);
    check(*store, 0);
    EXPECT_EQ(*store->PutSource(source), Sha256Hex(source));
    ASSERT_TRUE(store->Append({.body = RunStopped{"steps"}}).ok());
    check(*store, 1);
  }
  check(*MustOpen(path_, StoreMode::kRead), 1);
  const auto db = SqliteDb::Open(path_, SqliteDb::Access::kRead, 1000);
  EXPECT_EQ(*db->QueryInt("SELECT count(*) FROM sources"), 1);
}

TEST_F(SqliteStoreTest, DamagedEventsAreADataLossThatNamesTheEvent) {
  const char* const damages[] = {
      "DELETE FROM events WHERE sequence = 2",
      "UPDATE events SET body = '{}' WHERE sequence = 2",
      "UPDATE events SET body = x'' WHERE sequence = 2",
      "UPDATE events SET body = 7 WHERE sequence = 2",
      "UPDATE events SET body = x'01' || substr(body, 2) || x'00' WHERE sequence = 2",
      "UPDATE events SET kind = 'run_resumed' WHERE sequence = 2",
      "UPDATE events SET body = (SELECT body FROM events WHERE sequence = 4) WHERE sequence = 2"};
  for (const char* sql : damages) {
    TempFolder folder;
    const std::string path = folder / "run.sqlite";
    const auto store = MustOpen(path, StoreMode::kCreate);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->Append({.body = RunStopped{}}).ok());
    ASSERT_TRUE(store->Append({.body = RunResumed{}}).ok());
    Damage(path, sql);
    const auto events = store->Read(0);
    ASSERT_FALSE(events.ok()) << sql;
    EXPECT_EQ(events.error().code, ErrorCode::kDataLoss) << sql;
    EXPECT_NE(events.error().message.find("event 2"), std::string::npos) << events.error().message;
    EXPECT_EQ(store->Read(2)->size(), 2u) << "what follows the damage is still readable";
  }
}

TEST_F(SqliteStoreTest, SourcesAreFoundByTheirIndexHoweverManyThereAre) {
  { const auto store = MustOpen(path_, StoreMode::kCreate); }
  const auto db = SqliteDb::Open(path_, SqliteDb::Access::kRead, 1000);
  ASSERT_TRUE(db.ok());
  auto plan = db->Prepare(std::string("EXPLAIN QUERY PLAN SELECT zstd FROM sources WHERE ") +
                          kSourceLookup);
  ASSERT_TRUE(plan.ok());
  ASSERT_TRUE(*plan->Step());
  EXPECT_EQ(plan->Bytes(3), "SEARCH sources USING INDEX sources_by_hash (<expr>=?)");
}

TEST_F(SqliteStoreTest, DamagedSourcesAreADataLoss) {
  const auto store = MustOpen(path_, StoreMode::kCreate);
  const std::string hash = *store->PutSource("void kernel();");
  const std::string other = *store->PutSource("void Kernel();");
  const std::string where = " WHERE hash = '" + hash + "'";
  for (const std::string& sql :
       {"UPDATE sources SET zstd = (SELECT zstd FROM sources WHERE hash = '" + other + "')" + where,
        "UPDATE sources SET zstd = x'00'" + where, "UPDATE sources SET raw_bytes = 13" + where,
        "UPDATE sources SET raw_bytes = -1" + where,
        "UPDATE sources SET raw_bytes = 9000000000000000000" + where}) {
    Damage(path_, sql);
    const auto source = store->GetSource(hash);
    ASSERT_FALSE(source.ok()) << sql;
    EXPECT_EQ(source.error().code, ErrorCode::kDataLoss) << sql;
    EXPECT_NE(source.error().message.find(hash), std::string::npos) << source.error().message;
  }
  EXPECT_EQ(*store->GetSource(other), "void Kernel();");
}

TEST_F(SqliteStoreTest, DamagedPagesAreADataLossWhenARunIsResumed) {
  {
    const auto store = MustOpen(path_, StoreMode::kCreate);
    for (const Event& event : SampleEvents()) ASSERT_TRUE(store->Append(event).ok());
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8192);
  file << std::string(std::filesystem::file_size(path_) - 8192, '\xA5');
  file.close();
  EXPECT_EQ(CodeOf(path_, StoreMode::kWrite), ErrorCode::kDataLoss);
  const auto reader = SqliteStore::Open(path_, StoreMode::kRead);
  if (reader.ok()) {
    EXPECT_EQ((*reader)->Read(0).error().code, ErrorCode::kDataLoss);
  }
}

TEST_F(SqliteStoreTest, ACutFileIsADataLoss) {
  {
    const auto store = MustOpen(path_, StoreMode::kCreate);
    for (const Event& event : SampleEvents()) ASSERT_TRUE(store->Append(event).ok());
  }
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  EXPECT_EQ(CodeOf(path_, StoreMode::kWrite), ErrorCode::kDataLoss);
}

TEST_F(SqliteStoreTest, PathsWithSpecialCharactersAreOnlyPaths) {
  for (const char* name : {":memory:", "a?b#c%41", "file:x", "sp ace"}) {
    const std::string path = folder_ / name;
    { ASSERT_TRUE(MustOpen(path, StoreMode::kCreate)->Append({}).ok()); }
    EXPECT_TRUE(std::filesystem::is_regular_file(path)) << name;
    EXPECT_EQ(MustOpen(path, StoreMode::kRead)->Read(0)->size(), 1u) << name;
  }
}

}  // namespace
}  // namespace ks
