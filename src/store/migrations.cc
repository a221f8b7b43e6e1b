#include "store/migrations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::array kMigrations = {
    Migration{1, R"sql(
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events(
  sequence INTEGER PRIMARY KEY,
  unix_ms INTEGER NOT NULL,
  elapsed_s REAL NOT NULL,
  kind TEXT NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE TABLE sources(
  hash TEXT PRIMARY KEY,
  zstd BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE results(
  key TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT;
)sql"},
    // Bodies of events in binary (those before stay as they are: JSON), sources in the order in
    // which they came and a small index, so that neither slows down as a run grows.
    Migration{2, R"sql(
CREATE TABLE events_2(
  sequence INTEGER PRIMARY KEY,
  unix_ms INTEGER NOT NULL,
  elapsed_s REAL NOT NULL,
  kind TEXT NOT NULL,
  body ANY NOT NULL
) STRICT;
INSERT INTO events_2 SELECT sequence, unix_ms, elapsed_s, kind, json FROM events;
DROP TABLE events;
ALTER TABLE events_2 RENAME TO events;
CREATE TABLE sources_2(
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  zstd BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO sources_2(hash, zstd, raw_bytes) SELECT hash, zstd, raw_bytes FROM sources;
DROP TABLE sources;
ALTER TABLE sources_2 RENAME TO sources;
CREATE INDEX sources_by_hash ON sources(substr(hash, 1, 12));
)sql"},
};

int64_t Newest(std::span<const Migration> migrations) {
  return migrations.empty() ? 0 : migrations.back().format;
}

Status RefuseNewer(const SqliteDb& db, int64_t format, std::span<const Migration> migrations) {
  if (format <= Newest(migrations)) return {};
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("{}: run folder was written by a newer kernelsmith (format {}, this one "
                           "knows up to {}): update kernelsmith",
                           db.path(), format, Newest(migrations))};
}

Status ApplyOne(const SqliteDb& db, const Migration& migration) {
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(db));
  // Under the lock: another process may have done it meanwhile.
  KS_ASSIGN_OR_RETURN(const int64_t format, FormatOf(db));
  if (format >= migration.format) return {};
  KS_CHECK(format == migration.format - 1);
  KS_RETURN_IF_ERROR(db.Run(migration.sql));
  KS_RETURN_IF_ERROR(db.Run(fmt::format("PRAGMA application_id = {}", kRunApplicationId)));
  KS_RETURN_IF_ERROR(
      db.Run(fmt::format("INSERT OR REPLACE INTO meta VALUES('format', '{}')", migration.format)));
  return transaction.Commit();
}

}  // namespace

std::span<const Migration> RunMigrations() { return kMigrations; }

Result<int64_t> FormatOf(const SqliteDb& db) {
  KS_ASSIGN_OR_RETURN(const int64_t id, db.QueryInt("PRAGMA application_id"));
  KS_ASSIGN_OR_RETURN(const int64_t tables, db.QueryInt("SELECT count(*) FROM sqlite_master"));
  if (id == 0 && tables == 0) return int64_t{0};
  if (id != kRunApplicationId) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: a SQLite file, but not of a kernelsmith run", db.path())};
  }
  KS_ASSIGN_OR_RETURN(SqliteStatement statement,
                      db.Prepare("SELECT value FROM meta WHERE key = 'format'"));
  KS_ASSIGN_OR_RETURN(const bool found, statement.Step());
  const std::optional<int64_t> format = found ? ParseInt(statement.Bytes(0)) : std::nullopt;
  if (!format || *format < 1) {
    return Error{ErrorCode::kDataLoss, fmt::format("{}: its format number is lost", db.path())};
  }
  return *format;
}

Status Migrate(const SqliteDb& db, std::span<const Migration> migrations) {
  KS_ASSIGN_OR_RETURN(const int64_t format, FormatOf(db));
  KS_RETURN_IF_ERROR(RefuseNewer(db, format, migrations));
  for (const Migration& migration : migrations) {
    if (migration.format > format) KS_RETURN_IF_ERROR(ApplyOne(db, migration));
  }
  return {};
}

Status CheckFormat(const SqliteDb& db, std::span<const Migration> migrations,
                   int64_t oldest_readable) {
  KS_ASSIGN_OR_RETURN(const int64_t format, FormatOf(db));
  KS_RETURN_IF_ERROR(RefuseNewer(db, format, migrations));
  if (format == 0) {
    return Error{ErrorCode::kNotFound, fmt::format("{}: no run is recorded here yet", db.path())};
  }
  if (format < std::min(oldest_readable, Newest(migrations))) {
    return Error{
        ErrorCode::kFailedPrecondition,
        fmt::format("{}: run folder has the old format {} (now {}): resume the run once to "
                    "bring it up to date",
                    db.path(), format, Newest(migrations))};
  }
  return {};
}

}  // namespace ks
