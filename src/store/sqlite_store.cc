#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "store/migrations.h"
#include "store/sqlite_reader.h"
#include "store/sqlite_writer.h"

namespace ks {
namespace {

// Files up to this size are checked as a whole before they are written on: some hundredths of a
// second. In larger ones each row is checked when it is read.
constexpr int64_t kCheckedBytes = int64_t{64} << 20;

// 64 MiB of pages in memory, so that the index of a million sources stays there, and a log of up to
// 64 MiB before it is written back, so that pages that change often are written back once.
constexpr const char* kForLargeRuns =
    "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384";

Error OpenedForReading() {
  return {ErrorCode::kFailedPrecondition, "the record was opened for reading only"};
}

Status CheckWhole(const SqliteDb& db) {
  KS_ASSIGN_OR_RETURN(const int64_t pages, db.QueryInt("PRAGMA page_count"));
  KS_ASSIGN_OR_RETURN(const int64_t page_bytes, db.QueryInt("PRAGMA page_size"));
  if (pages > kCheckedBytes / std::max<int64_t>(1, page_bytes)) return {};
  KS_ASSIGN_OR_RETURN(const std::string verdict, db.QueryText("PRAGMA quick_check(1)"));
  if (verdict == "ok") return {};
  return Error{ErrorCode::kDataLoss,
               fmt::format("{}: the file is damaged: {}", db.path(), verdict)};
}

Status UseWriteAheadLog(const SqliteDb& db) {
  KS_ASSIGN_OR_RETURN(const std::string mode, db.QueryText("PRAGMA journal_mode = WAL"));
  if (mode == "wal") return {};
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("{}: this file system cannot hold a write-ahead log (a network share?): "
                           "choose a local folder for the run",
                           db.path())};
}

Result<SqliteDb> OpenForWriting(const std::string& path, StoreMode mode,
                                const SqliteStoreOptions& options) {
  using Access = SqliteDb::Access;
  KS_ASSIGN_OR_RETURN(
      SqliteDb db,
      SqliteDb::Open(path, mode == StoreMode::kCreate ? Access::kCreate : Access::kWrite,
                     options.busy_timeout_ms));
  if (db.read_only()) {
    return Error{
        ErrorCode::kFailedPrecondition,
        fmt::format("{} is read-only: make it writable or choose another folder for the run",
                    path)};
  }
  // Before anything is written: is it ours, and not newer than us?
  KS_ASSIGN_OR_RETURN(const int64_t format, FormatOf(db));
  if (format > 0) KS_RETURN_IF_ERROR(CheckWhole(db));
  KS_RETURN_IF_ERROR(UseWriteAheadLog(db));
  if (options.max_pages > 0) {
    KS_RETURN_IF_ERROR(db.Run(fmt::format("PRAGMA max_page_count = {}", options.max_pages)));
  }
  KS_RETURN_IF_ERROR(Migrate(db, RunMigrations()));
  KS_RETURN_IF_ERROR(db.Run(kForLargeRuns));
  return db;
}

Result<SqliteDb> OpenForReading(const std::string& path, const SqliteStoreOptions& options) {
  using Access = SqliteDb::Access;
  // Beside a write-ahead log SQLite needs its index file, also for reading: one that is there, or
  // one that it can make. In a read-only folder without them nobody is writing, so that the file
  // can be read as it is.
  KS_ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::Open(path, Access::kRead, options.busy_timeout_ms));
  const Result<int64_t> probe = db.QueryInt("PRAGMA schema_version");
  if (probe.ok()) return db;
  if (probe.error().code != ErrorCode::kFailedPrecondition) return probe.error();
  std::error_code missing;
  const auto log_bytes = std::filesystem::file_size(path + "-wal", missing);
  if (!missing && log_bytes > 0) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: the last writer was killed and this read-only folder lacks the "
                             "index of its log: copy the folder to a writable place and read it "
                             "there",
                             path)};
  }
  return SqliteDb::Open(path, Access::kImmutable, options.busy_timeout_ms);
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, StoreMode mode,
                                                       const SqliteStoreOptions& options) {
  std::error_code ignored;
  if (mode != StoreMode::kCreate && !std::filesystem::exists(path, ignored)) {
    return Error{ErrorCode::kNotFound, fmt::format("{} does not exist", path)};
  }
  const std::filesystem::path folder = std::filesystem::absolute(path, ignored).parent_path();
  if (!std::filesystem::is_directory(folder, ignored)) {
    return Error{ErrorCode::kNotFound, fmt::format("folder {} does not exist", folder.string())};
  }
  if (mode == StoreMode::kRead) {
    KS_ASSIGN_OR_RETURN(SqliteDb db, OpenForReading(path, options));
    KS_RETURN_IF_ERROR(CheckFormat(db, RunMigrations(), 1));
    KS_ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, Reader::Make(std::move(db)));
    return std::unique_ptr<SqliteStore>(new SqliteStore(nullptr, std::move(reader)));
  }
  KS_ASSIGN_OR_RETURN(SqliteDb db, OpenForWriting(path, mode, options));
  KS_ASSIGN_OR_RETURN(std::unique_ptr<Writer> writer, Writer::Make(std::move(db)));
  KS_ASSIGN_OR_RETURN(SqliteDb second,
                      SqliteDb::Open(path, SqliteDb::Access::kRead, options.busy_timeout_ms));
  KS_ASSIGN_OR_RETURN(std::unique_ptr<Reader> reader, Reader::Make(std::move(second)));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(writer), std::move(reader)));
}

SqliteStore::SqliteStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader)
    : writer_(std::move(writer)), reader_(std::move(reader)) {}

// The reader first, so that the writer, last to close, leaves no log behind.
SqliteStore::~SqliteStore() { reader_.reset(); }

Result<int64_t> SqliteStore::AppendAll(std::span<const Event> events,
                                       std::span<const NewSource> sources) {
  KS_CHECK(!events.empty());
  if (writer_ == nullptr) return OpenedForReading();
  return writer_->AppendAll(events, sources);
}

Result<std::string> SqliteStore::PutSource(const std::string& source) {
  if (writer_ == nullptr) return OpenedForReading();
  return writer_->PutSource(source);
}

Status SqliteStore::PutResult(const std::string& key, const Evaluation& evaluation) {
  if (writer_ == nullptr) return OpenedForReading();
  return writer_->PutResult(key, evaluation);
}

Result<std::vector<Event>> SqliteStore::ReadSome(int64_t after, int64_t limit) const {
  return reader_->ReadSome(after, limit);
}

Result<int64_t> SqliteStore::LastSequence() const { return reader_->LastSequence(); }

Result<std::string> SqliteStore::GetSource(const std::string& source_hash) const {
  return reader_->GetSource(source_hash);
}

Result<std::optional<Evaluation>> SqliteStore::GetResult(const std::string& key) const {
  return reader_->GetResult(key);
}

}  // namespace ks
