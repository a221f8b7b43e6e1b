// The writing half of SqliteStore.
#ifndef KS_STORE_SQLITE_WRITER_H_
#define KS_STORE_SQLITE_WRITER_H_

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "core/store.h"
#include "store/compress.h"
#include "store/sqlite_db.h"
#include "store/sqlite_store.h"

namespace ks {

// Thread-safe: one connection behind a mutex. ERRORS: those of SqliteStore.
class SqliteStore::Writer {
 public:
  // REQUIRES: the database has the newest format.
  static Result<std::unique_ptr<Writer>> Make(SqliteDb db);

  Result<int64_t> AppendAll(std::span<const Event> events, std::span<const NewSource> sources);
  Result<std::string> PutSource(const std::string& source);
  Status PutResult(const std::string& key, const Evaluation& evaluation);

 private:
  explicit Writer(SqliteDb db) : db_(std::move(db)) {}
  Status Prepare();
  Status SetDurability(bool survives_power_cut);
  Status InsertEvent(const Event& event, int64_t sequence);
  // Unless it is there.
  Status InsertSource(const std::string& hash, const std::string& text, CompressionEffort effort);

  std::mutex mutex_;
  SqliteDb db_;  // guarded by mutex_, as is the rest
  std::optional<SqliteStatement> insert_event_;
  std::optional<SqliteStatement> known_source_;
  std::optional<SqliteStatement> insert_source_;
  std::optional<SqliteStatement> insert_result_;
  std::optional<bool> survives_power_cut_;  // as set on the connection
  Compressor compressor_;
};

}  // namespace ks

#endif  // KS_STORE_SQLITE_WRITER_H_
