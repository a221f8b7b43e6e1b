// The record of a run in one SQLite file: docs/store_format.md.
#ifndef KS_STORE_SQLITE_STORE_H_
#define KS_STORE_SQLITE_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "core/store.h"

namespace ks {

enum class StoreMode {
  kCreate,  // read and write; made when missing
  kWrite,   // read and write; must exist
  kRead,    // read; works while another process writes, and on read-only folders
};

struct SqliteStoreOptions {
  int busy_timeout_ms = 10'000;  // wait this long for another process's transaction
  int64_t max_pages = 0;         // pages of 4 KiB the file may grow to; 0: no limit
};

// What survives: every call that returned success survives `kill -9` of this process. AppendAll
// also survives a power cut (it syncs); a source or a result that no appended event followed may be
// lost with the power, and is then computed again.
//
// Thread-safe: one connection that writes and one that reads, each behind a mutex, so that nobody
// who reads waits for a sync. Several processes may open the same file; keeping two writing runs
// apart is RunLock's business. Do not use across fork().
class SqliteStore final : public Store {
 public:
  // ERRORS: kNotFound (no such file or folder, or for kRead nothing recorded yet),
  // kFailedPrecondition (read-only, or written by a newer kernelsmith), kInvalidArgument (another
  // program's file), kDataLoss (damaged), kResourceExhausted, kUnavailable.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, StoreMode mode,
                                                   const SqliteStoreOptions& options = {});
  ~SqliteStore() override;

  // ERRORS of all: as Store, and kUnavailable when another process holds the lock for longer than
  // the busy time-out. A call that fails changes nothing and may be repeated.
  Result<int64_t> AppendAll(std::span<const Event> events,
                            std::span<const NewSource> sources) override;
  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const override;
  Result<int64_t> LastSequence() const override;
  Result<std::string> PutSource(const std::string& source) override;
  Result<std::string> GetSource(const std::string& source_hash) const override;
  Status PutResult(const std::string& key, const Evaluation& evaluation) override;
  Result<std::optional<Evaluation>> GetResult(const std::string& key) const override;

 private:
  class Reader;
  class Writer;
  SqliteStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader);

  std::unique_ptr<Writer> writer_;  // null in mode kRead
  std::unique_ptr<Reader> reader_;
};

}  // namespace ks

#endif  // KS_STORE_SQLITE_STORE_H_
