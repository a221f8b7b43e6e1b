// The reading half of SqliteStore: events, sources and results of a record of any known format.
#ifndef KS_STORE_SQLITE_READER_H_
#define KS_STORE_SQLITE_READER_H_

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/event.h"
#include "store/compress.h"
#include "store/sqlite_db.h"
#include "store/sqlite_store.h"

namespace ks {

// A damaged size must not make us allocate the world.
inline constexpr int64_t kMaxSourceBytes = int64_t{64} << 20;

// The condition of a source with hash ?1. By the index; the plus keeps SQLite from putting the
// value in place of the column in the first term, after which it would not find the index.
inline constexpr const char* kSourceLookup =
    "substr(hash, 1, 12) = substr(?1, 1, 12) AND +hash = ?1";

// Thread-safe: one connection behind a mutex. ERRORS: those of SqliteStore.
class SqliteStore::Reader {
 public:
  // REQUIRES: the database has a known format.
  static Result<std::unique_ptr<Reader>> Make(SqliteDb db);

  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit);
  Result<int64_t> LastSequence();
  Result<std::string> GetSource(const std::string& source_hash);
  Result<std::optional<Evaluation>> GetResult(const std::string& key);

 private:
  explicit Reader(SqliteDb db) : db_(std::move(db)) {}
  Status Prepare(int64_t format);
  Status ReadRow(int64_t expected, Event& event) const;
  Result<std::string> SourceOfRow(const std::string& source_hash);

  std::mutex mutex_;
  SqliteDb db_;  // guarded by mutex_, as is the rest
  std::optional<SqliteStatement> events_;
  std::optional<SqliteStatement> source_;
  std::optional<SqliteStatement> result_;
  Decompressor decompressor_;
};

}  // namespace ks

#endif  // KS_STORE_SQLITE_READER_H_
