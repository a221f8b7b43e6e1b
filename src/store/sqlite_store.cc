#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/hash.h"
#include "store/compress.h"
#include "store/migrations.h"

namespace ks {
namespace {

// A damaged size must not make us allocate the world.
constexpr int64_t kMaxSourceBytes = int64_t{64} << 20;

Status CheckWhole(const SqliteDb& db) {
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

Error Damaged(const std::string& path, const std::string& what) {
  return {ErrorCode::kDataLoss, fmt::format("{}: {}", path, what)};
}

Result<Event> EventOfRow(const SqliteDb& db, const SqliteStatement& row, int64_t expected) {
  const int64_t sequence = row.Int(0);
  if (sequence != expected) {
    return Damaged(db.path(), fmt::format("event {} is missing (found {})", expected, sequence));
  }
  Result<Event> event = EventFromJson(row.Bytes(2));
  if (!event.ok()) return event.error().Under(fmt::format("{}: event {}", db.path(), sequence));
  if (event->sequence != sequence || row.Bytes(1) != EventKindName(*event)) {
    return Damaged(db.path(), fmt::format("event {} holds event {} ({})", sequence, event->sequence,
                                          EventKindName(*event)));
  }
  return event;
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
  Result<SqliteDb> db = mode == StoreMode::kRead ? OpenForReading(path, options)
                                                 : OpenForWriting(path, mode, options);
  if (!db.ok()) return db.error();
  if (mode == StoreMode::kRead) KS_RETURN_IF_ERROR(CheckFormat(*db, RunMigrations()));
  return std::unique_ptr<SqliteStore>(new SqliteStore(*std::move(db)));
}

Status SqliteStore::SetDurability(bool survives_power_cut) {
  return db_.Run(survives_power_cut ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

Result<int64_t> SqliteStore::Append(const Event& event) {
  const std::lock_guard lock(mutex_);
  // The sync of this commit covers the log from its beginning, and with it every source and result
  // put before: an event on the disk never lacks its source.
  KS_RETURN_IF_ERROR(SetDurability(true));
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(db_));
  Event stored = event;
  KS_ASSIGN_OR_RETURN(stored.sequence,
                      db_.QueryInt("SELECT coalesce(max(sequence), 0) + 1 FROM events"));
  KS_ASSIGN_OR_RETURN(SqliteStatement insert,
                      db_.Prepare("INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5)"));
  KS_RETURN_IF_ERROR(insert.Bind(1, stored.sequence)
                         .Bind(2, stored.unix_ms)
                         .Bind(3, stored.elapsed_s)
                         .BindText(4, EventKindName(stored))
                         .BindText(5, EventToJson(stored))
                         .Run());
  KS_RETURN_IF_ERROR(transaction.Commit());
  return stored.sequence;
}

Result<std::vector<Event>> SqliteStore::Read(int64_t after) const {
  const std::lock_guard lock(mutex_);
  KS_ASSIGN_OR_RETURN(SqliteStatement select,
                      db_.Prepare("SELECT sequence, kind, json FROM events WHERE sequence > ?1 "
                                  "ORDER BY sequence"));
  select.Bind(1, after);
  std::vector<Event> events;
  for (int64_t expected = after + 1;; ++expected) {
    KS_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return events;
    KS_ASSIGN_OR_RETURN(Event event, EventOfRow(db_, select, expected));
    events.push_back(std::move(event));
  }
}

Result<std::string> SqliteStore::PutSource(const std::string& source) {
  if (static_cast<int64_t>(source.size()) > kMaxSourceBytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a source of {} bytes is too large to be stored", source.size())};
  }
  std::string hash = Sha256Hex(source);
  const std::lock_guard lock(mutex_);
  KS_ASSIGN_OR_RETURN(SqliteStatement known, db_.Prepare("SELECT 1 FROM sources WHERE hash = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, known.BindText(1, hash).Step());
  if (found) return hash;
  KS_ASSIGN_OR_RETURN(const std::string frame, Compress(source));
  KS_RETURN_IF_ERROR(SetDurability(false));
  KS_ASSIGN_OR_RETURN(SqliteStatement insert,
                      db_.Prepare("INSERT OR IGNORE INTO sources VALUES(?1, ?2, ?3)"));
  KS_RETURN_IF_ERROR(insert.BindText(1, hash)
                         .BindBlob(2, frame)
                         .Bind(3, static_cast<int64_t>(source.size()))
                         .Run());
  return hash;
}

Result<std::string> SqliteStore::GetSource(const std::string& source_hash) const {
  const std::lock_guard lock(mutex_);
  KS_ASSIGN_OR_RETURN(SqliteStatement select,
                      db_.Prepare("SELECT zstd, raw_bytes FROM sources WHERE hash = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, select.BindText(1, source_hash).Step());
  if (!found) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: source {} is not stored", db_.path(), source_hash)};
  }
  const int64_t raw_bytes = select.Int(1);
  if (raw_bytes < 0 || raw_bytes > kMaxSourceBytes) {
    return Damaged(db_.path(), fmt::format("source {} claims {} bytes", source_hash, raw_bytes));
  }
  Result<std::string> source = Decompress(select.Bytes(0), static_cast<size_t>(raw_bytes));
  if (!source.ok()) {
    return source.error().Under(fmt::format("{}: source {}", db_.path(), source_hash));
  }
  if (Sha256Hex(*source) != source_hash) {
    return Damaged(db_.path(), fmt::format("source {} does not have this hash", source_hash));
  }
  return source;
}

Status SqliteStore::PutResult(const std::string& key, const Evaluation& evaluation) {
  const std::lock_guard lock(mutex_);
  KS_RETURN_IF_ERROR(SetDurability(false));
  KS_ASSIGN_OR_RETURN(SqliteStatement insert,
                      db_.Prepare("INSERT OR REPLACE INTO results VALUES(?1, ?2)"));
  return insert.BindText(1, key).BindText(2, EvaluationToJson(evaluation)).Run();
}

Result<std::optional<Evaluation>> SqliteStore::GetResult(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  KS_ASSIGN_OR_RETURN(SqliteStatement select,
                      db_.Prepare("SELECT json FROM results WHERE key = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, select.BindText(1, key).Step());
  if (!found) return std::optional<Evaluation>();
  Result<Evaluation> evaluation = EvaluationFromJson(select.Bytes(0));
  if (!evaluation.ok()) {
    return evaluation.error().Under(fmt::format("{}: result {}", db_.path(), key));
  }
  return std::optional<Evaluation>(*std::move(evaluation));
}

}  // namespace ks
