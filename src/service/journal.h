// What the service must not forget: accepted requests until they are finished, and outcomes and
// binaries as long as there is room. One SQLite file in the service's folder; format:
// docs/service_api.md.
#ifndef KS_SERVICE_JOURNAL_H_
#define KS_SERVICE_JOURNAL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "core/blob_cache.h"
#include "service/wire.h"
#include "store/run_lock.h"
#include "store/sqlite_db.h"

namespace ks {

// An accepted request that has no result yet.
struct PendingEvaluation {
  EvaluationStatus status;       // state kQueued; id, task, backend, device as asked, priority
  bool timed = true;             // asks for the time stage
  int64_t sequence = 0;          // order of acceptance
  int64_t deadline_unix_ms = 0;  // 0: none
  int starts = 0;                // how often an evaluation of it was begun and not ended
};

struct NewEvaluation {
  PendingEvaluation pending;
  std::string task_json;     // stored once a hash
  std::string request_json;  // SubmissionToJson with the hash as task
};

// Thread-safe. One thread of its own commits what was asked for meanwhile in one transaction, so
// that many small requests cost one sync. Callbacks run on that thread. The destructor commits what
// is waiting.
class Journal final : public BlobCache {
 public:
  using Done = std::function<void(const Status& status)>;
  struct Counts {
    int64_t outcomes = 0;  // at the last count, as are the next two
    int64_t binaries = 0;
    int64_t cached_bytes = 0;  // of both
    int64_t evicted = 0;       // of both, since the start
  };

  // Makes the folder when it is missing and keeps other services out of it. ERRORS:
  // kFailedPrecondition (not writable, in use, newer format), kDataLoss, kResourceExhausted.
  static Result<std::unique_ptr<Journal>> Open(const std::string& folder, int64_t limit_bytes);
  ~Journal() override;

  // In order of acceptance.
  Result<std::vector<PendingEvaluation>> Unfinished() const;
  // Done: they survive a power cut. One that was finished before is asked anew.
  void Accept(std::vector<NewEvaluation> evaluations, Done done);
  // An evaluation begins; `ended` = false, or ended without a result (returned to the queue).
  void NoteStart(const std::string& id, bool ended);
  // `reusable`: may answer the same question again. Done: survives a power cut.
  void Finish(const EvaluationStatus& status, bool reusable, Done done);
  // For the order of eviction.
  void NoteUse(const std::string& id);

  struct Stored {
    EvaluationStatus status;
    bool reusable = false;
  };
  // A finished evaluation (any final state) or nothing. ERRORS: kDataLoss.
  Result<std::optional<Stored>> FindFinished(const std::string& id) const;
  Result<std::optional<std::string>> FindTask(const std::string& hash) const;
  // ERRORS: kNotFound, kDataLoss.
  Result<std::string> RequestOf(const std::string& id) const;
  Counts counts() const;

  // Binaries; they share the room with the outcomes.
  std::optional<std::string> FindBlob(const std::string& key) override;
  void PutBlob(const std::string& key, std::string bytes) override;

 private:
  struct Operation {
    bool durable = false;
    std::function<Status(const SqliteDb& db)> apply;
    Done done;                 // may be empty
    int64_t cached_bytes = 0;  // added to outcomes or binaries
  };

  Journal(RunLock lock, SqliteDb writer, SqliteDb reader, SqliteDb checkpointer,
          int64_t limit_bytes);
  // Moves the log into the database now and then, so that no commit has to wait for it.
  void Checkpoint(std::stop_token stop);
  void Post(Operation operation);
  void Write(std::stop_token stop);
  Status Commit(std::deque<Operation>& operations, bool durable);
  // Takes outcomes and binaries away, least recently used first, until they fit.
  Status Evict();
  Result<int64_t> EvictSome();
  Status Count();

  const RunLock lock_;
  const int64_t limit_bytes_;
  const SqliteDb writer_;        // the thread's, as is the next
  int64_t uncounted_bytes_ = 0;  // written since the last count

  const SqliteDb checkpointer_;  // the other thread's
  std::atomic<int64_t> commits_ = 0;

  mutable std::mutex reader_mutex_;
  const SqliteDb reader_;  // guarded by reader_mutex_

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Operation> queue_;  // guarded by mutex_, as is counts_
  Counts counts_;
  std::jthread checkpoints_;  // last, as the next: they end before anything they use
  std::jthread thread_;
};

}  // namespace ks

#endif  // KS_SERVICE_JOURNAL_H_
