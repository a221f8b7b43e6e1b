// The format of a run database: what it is, and the steps from each format to the next.
#ifndef KS_STORE_MIGRATIONS_H_
#define KS_STORE_MIGRATIONS_H_

#include <limits>
#include <span>

#include "store/sqlite_db.h"

namespace ks {

// Written into the SQLite header, so that `file` and we know a run database from any other.
inline constexpr int64_t kRunApplicationId = 0x4B53524E;  // "KSRN"

// Brings a database of format `format - 1` to `format`.
struct Migration {
  int64_t format;
  const char* sql;
};

// In order from format 1. Released steps never change.
std::span<const Migration> RunMigrations();

// 0 for an empty database. ERRORS: kInvalidArgument (a SQLite file, but not of a run), kDataLoss (a
// run database without a readable format), and those of SqliteDb.
Result<int64_t> FormatOf(const SqliteDb& db);

// Applies the steps the database lacks, each in one transaction. Safe when several processes try.
// ERRORS: kFailedPrecondition (a newer format), those of FormatOf and SqliteDb.
Status Migrate(const SqliteDb& db, std::span<const Migration> migrations);

// The check of a reader, who must not migrate but understands formats from `oldest_readable` on.
// ERRORS: kNotFound (nothing recorded yet), kFailedPrecondition (a newer or an older format), those
// of FormatOf.
Status CheckFormat(const SqliteDb& db, std::span<const Migration> migrations,
                   int64_t oldest_readable = std::numeric_limits<int64_t>::max());

}  // namespace ks

#endif  // KS_STORE_MIGRATIONS_H_
