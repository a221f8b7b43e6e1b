#include "store/migrations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "base/file.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

SqliteDb OpenNew(const std::string& path) {
  auto db = SqliteDb::Open(path, SqliteDb::Access::kCreate, 1000);
  KS_CHECK(db.ok());
  return *std::move(db);
}

int64_t MustQuery(const SqliteDb& db, const char* sql) {
  const auto value = db.QueryInt(sql);
  KS_CHECK(value.ok());
  return *value;
}

// Three formats of an imaginary database.
constexpr std::array kThree = {
    Migration{1,
              "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT); CREATE TABLE t(a);"
              "INSERT INTO t VALUES(5)"},
    Migration{2, "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a * 2"},
    Migration{3, "UPDATE t SET b = b + 1"},
};

TEST(Migrate, BringsAnEmptyDatabaseToTheNewestFormat) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, kThree).ok());
  EXPECT_EQ(*FormatOf(db), 3);
  EXPECT_EQ(MustQuery(db, "SELECT b FROM t"), 11);
}

TEST(Migrate, AppliesOnlyTheStepsThatAreMissing) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, std::span(kThree).first(2)).ok());
  ASSERT_TRUE(db.Run("UPDATE t SET b = 100").ok());
  ASSERT_TRUE(Migrate(db, kThree).ok());
  ASSERT_TRUE(Migrate(db, kThree).ok());
  EXPECT_EQ(MustQuery(db, "SELECT b FROM t"), 101);
}

TEST(Migrate, AFailedStepLeavesTheFormatBeforeIt) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  auto broken = kThree;
  broken[2].sql = "UPDATE t SET b = 0; SELECT no_such_function()";
  EXPECT_FALSE(Migrate(db, broken).ok());
  EXPECT_EQ(*FormatOf(db), 2);
  EXPECT_EQ(MustQuery(db, "SELECT b FROM t"), 10);
  ASSERT_TRUE(Migrate(db, kThree).ok());
  EXPECT_EQ(MustQuery(db, "SELECT b FROM t"), 11);
}

TEST(Migrate, RefusesANewerFormatAndSaysWhatToDo) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, kThree).ok());
  const Status status = Migrate(db, std::span(kThree).first(1));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(status.error().message,
            folder / "x.sqlite" +
                ": run folder was written by a newer kernelsmith (format 3, this one knows up to "
                "1): update kernelsmith");
  EXPECT_EQ(MustQuery(db, "SELECT b FROM t"), 11);
}

TEST(CheckFormat, AReaderIsToldToResumeAnOldRunOnce) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, std::span(kThree).first(1)).ok());
  const Status status = CheckFormat(db, kThree);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(status.error().message.find("old format 1 (now 3)"), std::string::npos);
  EXPECT_TRUE(CheckFormat(db, std::span(kThree).first(1)).ok());
}

TEST(CheckFormat, AnEmptyDatabaseHoldsNoRunYet) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  EXPECT_EQ(CheckFormat(db, kThree).error().code, ErrorCode::kNotFound);
}

TEST(FormatOf, AnotherProgramsDatabaseIsRefused) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(db.Run("CREATE TABLE meta(key, value); INSERT INTO meta VALUES('format', '1')").ok());
  EXPECT_EQ(FormatOf(db).error().code, ErrorCode::kInvalidArgument);
}

TEST(FormatOf, ALostFormatNumberIsADataLoss) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, kThree).ok());
  for (const char* sql :
       {"UPDATE meta SET value = 'x'", "UPDATE meta SET value = '0'", "DELETE FROM meta"}) {
    ASSERT_TRUE(db.Run(sql).ok());
    EXPECT_EQ(FormatOf(db).error().code, ErrorCode::kDataLoss) << sql;
  }
}

TEST(RunMigrations, AreNumberedFromOneWithoutGaps) {
  int64_t format = 0;
  for (const Migration& migration : RunMigrations()) EXPECT_EQ(migration.format, ++format);
  EXPECT_GE(format, 1);
}

TEST(RunMigrations, GiveTheGoldenSchemaOfEachFormat) {
  for (const Migration& migration : RunMigrations()) {
    TempFolder folder;
    const SqliteDb db = OpenNew(folder / "run.sqlite");
    const auto steps = RunMigrations().first(static_cast<size_t>(migration.format));
    ASSERT_TRUE(Migrate(db, steps).ok());
    std::string schema =
        "PRAGMA application_id = " + std::to_string(MustQuery(db, "PRAGMA application_id")) + ";\n";
    auto select = db.Prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
    ASSERT_TRUE(select.ok());
    while (*select->Step()) schema += select->Bytes(0) + ";\n";
    const std::string path =
        fmt::format("{}/tests/golden/run_schema_v{}.sql", KS_SOURCE_DIR, migration.format);
    EXPECT_EQ(PosixFileSystem().Read(path, kMaxTextFileBytes).value_or("(no file)"), schema)
        << "A change of the schema needs a new format: a new step in src/store/migrations.cc.";
  }
}

TEST(CheckFormat, AReaderMayUnderstandOldFormats) {
  TempFolder folder;
  const SqliteDb db = OpenNew(folder / "x.sqlite");
  ASSERT_TRUE(Migrate(db, std::span(kThree).first(2)).ok());
  EXPECT_TRUE(CheckFormat(db, kThree, 2).ok());
  EXPECT_TRUE(CheckFormat(db, kThree, 1).ok());
  EXPECT_EQ(CheckFormat(db, kThree, 3).error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ks
