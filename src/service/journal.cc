#include "service/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "store/compress.h"

namespace ks {
namespace {

constexpr int64_t kApplicationId = 0x4B535356;  // "KSSV"
constexpr int64_t kFormat = 1;
constexpr int kBusyTimeoutMs = 5000;
constexpr int64_t kMaxRawBytes = int64_t{64} << 20;  // a damaged size must not allocate the world
constexpr int64_t kRowOverheadBytes = 512;           // of a row beside its blobs, about
constexpr int64_t kEvictBatch = 64;
constexpr int64_t kEvictShare = 32;  // at most 1/32 of all at once
constexpr int64_t kUncountedShare = 16;  // 1/16 of the limit may be written between two counts
constexpr double kEvictTo = 0.9;         // of the limit, so that eviction is rare

constexpr const char* kSchema = R"sql(
CREATE TABLE tasks(
  hash TEXT PRIMARY KEY,
  zstd BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE evaluations(
  id TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL,
  task TEXT NOT NULL,
  task_hash TEXT NOT NULL,
  backend TEXT NOT NULL,
  device TEXT NOT NULL,
  priority INTEGER NOT NULL,
  timed INTEGER NOT NULL,
  accepted_unix_ms INTEGER NOT NULL,
  deadline_unix_ms INTEGER NOT NULL,
  starts INTEGER NOT NULL,
  request BLOB NOT NULL,
  request_raw_bytes INTEGER NOT NULL,
  finished_unix_ms INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  reusable INTEGER NOT NULL,
  result BLOB NOT NULL,
  result_raw_bytes INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  error TEXT NOT NULL,
  used INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX unfinished ON evaluations(sequence) WHERE state = 'queued';
CREATE INDEX least_used ON evaluations(used, bytes) WHERE state <> 'queued';
CREATE INDEX of_task ON evaluations(task_hash);
CREATE TABLE binaries(
  key TEXT PRIMARY KEY,
  zstd BLOB NOT NULL,
  raw_bytes INTEGER NOT NULL,
  used INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX least_used_binaries ON binaries(used, bytes);
CREATE TABLE clock(used INTEGER NOT NULL) STRICT;
INSERT INTO clock VALUES(0);
)sql";

Status Prepare(const SqliteDb& db, const std::string& path) {
  KS_ASSIGN_OR_RETURN(const int64_t id, db.QueryInt("PRAGMA application_id"));
  KS_ASSIGN_OR_RETURN(const int64_t tables, db.QueryInt("SELECT count(*) FROM sqlite_master"));
  KS_ASSIGN_OR_RETURN(const int64_t format, db.QueryInt("PRAGMA user_version"));
  if (tables > 0 && id != kApplicationId) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ": a SQLite file, but not of a kernelsmith service"};
  }
  if (format > kFormat) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: written by a newer kernelsmith (format {}, this one knows up to "
                             "{}): update kernelsmith or choose another --cache",
                             path, format, kFormat)};
  }
  if (tables == 0) KS_RETURN_IF_ERROR(db.Run("PRAGMA auto_vacuum = INCREMENTAL"));
  KS_ASSIGN_OR_RETURN(const std::string mode, db.QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return Error{ErrorCode::kFailedPrecondition,
                 path +
                     ": this file system cannot hold a write-ahead log (a network share?): "
                     "choose a local folder with --cache"};
  }
  KS_RETURN_IF_ERROR(db.Run("PRAGMA journal_size_limit = 16777216"));
  if (tables > 0) return {};
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(db));
  KS_RETURN_IF_ERROR(db.Run(kSchema));
  KS_RETURN_IF_ERROR(db.Run(fmt::format("PRAGMA application_id = {}", kApplicationId)));
  KS_RETURN_IF_ERROR(db.Run(fmt::format("PRAGMA user_version = {}", kFormat)));
  return transaction.Commit();
}

Result<std::string> Unpack(const SqliteDb& db, const std::string& what, const std::string& frame,
                           int64_t raw_bytes) {
  if (raw_bytes < 0 || raw_bytes > kMaxRawBytes) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("{}: {} claims {} bytes", db.path(), what, raw_bytes)};
  }
  if (raw_bytes == 0) return std::string();
  Result<std::string> text = Decompress(frame, static_cast<size_t>(raw_bytes));
  if (!text.ok()) return text.error().Under(db.path() + ": " + what);
  return text;
}

int64_t SizeOf(const std::string& blob) { return static_cast<int64_t>(blob.size()); }

Status InsertTask(const SqliteDb& db, const std::string& hash, const std::string& json) {
  KS_ASSIGN_OR_RETURN(SqliteStatement known, db.Prepare("SELECT 1 FROM tasks WHERE hash = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, known.BindText(1, hash).Step());
  if (found) return {};
  KS_ASSIGN_OR_RETURN(const std::string frame, Compress(json));
  KS_ASSIGN_OR_RETURN(SqliteStatement insert, db.Prepare("INSERT INTO tasks VALUES(?1, ?2, ?3)"));
  return insert.BindText(1, hash).BindBlob(2, frame).Bind(3, SizeOf(json)).Run();
}

Status InsertEvaluation(const SqliteDb& db, const NewEvaluation& evaluation,
                        const std::string& request) {
  const PendingEvaluation& pending = evaluation.pending;
  const EvaluationStatus& status = pending.status;
  KS_ASSIGN_OR_RETURN(
      SqliteStatement insert,
      db.Prepare("INSERT OR REPLACE INTO evaluations VALUES(?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, "
                 "?8, ?9, ?10, 0, ?11, ?12, 0, 0, 0, x'', 0, 0, '', 0, ?13)"));
  return insert.BindText(1, status.id)
      .Bind(2, pending.sequence)
      .BindText(3, status.task)
      .BindText(4, status.task_hash)
      .BindText(5, status.backend)
      .BindText(6, status.device)
      .Bind(7, int64_t{status.priority})
      .Bind(8, int64_t{pending.timed})
      .Bind(9, status.accepted_unix_ms)
      .Bind(10, pending.deadline_unix_ms)
      .BindBlob(11, request)
      .Bind(12, SizeOf(evaluation.request_json))
      .Bind(13, SizeOf(request) + kRowOverheadBytes)
      .Run();
}

// The time of least recently used: one step a use.
Status Tick(const SqliteDb& db) { return db.Run("UPDATE clock SET used = used + 1"); }

Status UpdateFinished(const SqliteDb& db, const EvaluationStatus& status, bool reusable,
                      const std::string& result) {
  KS_RETURN_IF_ERROR(Tick(db));
  KS_ASSIGN_OR_RETURN(
      SqliteStatement update,
      db.Prepare("UPDATE evaluations SET state = ?2, device = ?3, finished_unix_ms = ?4, "
                 "tries = ?5, reusable = ?6, result = ?7, result_raw_bytes = ?8, error_code = ?9, "
                 "error = ?10, starts = 0, bytes = bytes + ?11, "
                 "used = (SELECT used FROM clock) "
                 "WHERE id = ?1"));
  return update.BindText(1, status.id)
      .BindText(2, EvaluationStateName(status.state))
      .BindText(3, status.device)
      .Bind(4, status.finished_unix_ms)
      .Bind(5, int64_t{status.tries})
      .Bind(6, int64_t{reusable})
      .BindBlob(7, result)
      .Bind(8, SizeOf(status.evaluation_json))
      .Bind(9, static_cast<int64_t>(status.error_code))
      .BindText(10, status.error)
      .Bind(11, SizeOf(result))
      .Run();
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(const std::string& folder, int64_t limit_bytes) {
  PosixFileSystem files;
  KS_RETURN_IF_ERROR(files.MakeDirs(folder));
  const std::string path = folder + "/service.sqlite";
  KS_ASSIGN_OR_RETURN(RunLock lock,
                      RunLock::Acquire(folder + "/lock",
                                       "is serving from this folder: stop it, or choose another "
                                       "folder with --cache"));
  KS_ASSIGN_OR_RETURN(SqliteDb writer,
                      SqliteDb::Open(path, SqliteDb::Access::kCreate, kBusyTimeoutMs));
  if (writer.read_only()) {
    return Error{ErrorCode::kFailedPrecondition,
                 path + " is read-only: make it writable or choose another --cache"};
  }
  KS_RETURN_IF_ERROR(Prepare(writer, path));
  KS_ASSIGN_OR_RETURN(SqliteDb reader,
                      SqliteDb::Open(path, SqliteDb::Access::kRead, kBusyTimeoutMs));
  auto journal = std::unique_ptr<Journal>(  // private constructor
      new Journal(std::move(lock), std::move(writer), std::move(reader), limit_bytes));
  KS_RETURN_IF_ERROR(journal->Count());
  KS_RETURN_IF_ERROR(journal->Evict());
  journal->thread_ =
      std::jthread([raw = journal.get()](std::stop_token stop) { raw->Write(std::move(stop)); });
  return journal;
}

Journal::Journal(RunLock lock, SqliteDb writer, SqliteDb reader, int64_t limit_bytes)
    : lock_(std::move(lock)),
      limit_bytes_(limit_bytes),
      writer_(std::move(writer)),
      reader_(std::move(reader)) {}

Journal::~Journal() = default;

Result<std::vector<PendingEvaluation>> Journal::Unfinished() const {
  const std::lock_guard lock(reader_mutex_);
  KS_ASSIGN_OR_RETURN(
      SqliteStatement select,
      reader_.Prepare("SELECT id, sequence, task, task_hash, backend, device, priority, timed, "
                      "accepted_unix_ms, deadline_unix_ms, starts FROM evaluations "
                      "WHERE state = 'queued' ORDER BY sequence"));
  std::vector<PendingEvaluation> rows;
  for (;;) {
    KS_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return rows;
    PendingEvaluation pending;
    pending.status.id = select.Bytes(0);
    pending.sequence = select.Int(1);
    pending.status.task = select.Bytes(2);
    pending.status.task_hash = select.Bytes(3);
    pending.status.backend = select.Bytes(4);
    pending.status.device = select.Bytes(5);
    pending.status.priority = static_cast<int>(select.Int(6));
    pending.timed = select.Int(7) != 0;
    pending.status.accepted_unix_ms = select.Int(8);
    pending.deadline_unix_ms = select.Int(9);
    pending.starts = static_cast<int>(select.Int(10));
    rows.push_back(std::move(pending));
  }
}

void Journal::Accept(std::vector<NewEvaluation> evaluations, Done done) {
  // Compressed here, in the caller's thread: the commit is short then.
  std::vector<std::string> requests;
  for (const NewEvaluation& one : evaluations) {
    Result<std::string> request = Compress(one.request_json);
    if (!request.ok()) return done(request.error());
    requests.push_back(*std::move(request));
  }
  Post({true,
        [evaluations = std::move(evaluations),
         requests = std::move(requests)](const SqliteDb& db) -> Status {
          for (size_t i = 0; i < evaluations.size(); ++i) {
            const NewEvaluation& one = evaluations[i];
            KS_RETURN_IF_ERROR(InsertTask(db, one.pending.status.task_hash, one.task_json));
            KS_RETURN_IF_ERROR(InsertEvaluation(db, one, requests[i]));
          }
          return {};
        },
        std::move(done)});
}

void Journal::NoteStart(const std::string& id, bool ended) {
  Post({false,
        [id, ended](const SqliteDb& db) -> Status {
          KS_ASSIGN_OR_RETURN(SqliteStatement update,
                              db.Prepare("UPDATE evaluations SET starts = max(0, starts + ?2) "
                                         "WHERE id = ?1"));
          return update.BindText(1, id).Bind(2, int64_t{ended ? -1 : 1}).Run();
        },
        nullptr});
}

void Journal::Finish(const EvaluationStatus& status, bool reusable, Done done) {
  Result<std::string> result =
      status.evaluation_json.empty() ? std::string() : Compress(status.evaluation_json);
  if (!result.ok()) return done(result.error());
  const int64_t bytes = SizeOf(*result) + kRowOverheadBytes;
  Post({true,
        [status, reusable, frame = *std::move(result)](const SqliteDb& db) {
          return UpdateFinished(db, status, reusable, frame);
        },
        std::move(done), bytes});
}

void Journal::NoteUse(const std::string& id) {
  Post({false,
        [id](const SqliteDb& db) -> Status {
          KS_RETURN_IF_ERROR(Tick(db));
          KS_ASSIGN_OR_RETURN(
              SqliteStatement update,
              db.Prepare("UPDATE evaluations SET used = (SELECT used FROM clock) WHERE id = ?1"));
          return update.BindText(1, id).Run();
        },
        nullptr});
}

Result<std::optional<Journal::Stored>> Journal::FindFinished(const std::string& id) const {
  const std::lock_guard lock(reader_mutex_);
  KS_ASSIGN_OR_RETURN(
      SqliteStatement select,
      reader_.Prepare("SELECT state, task, task_hash, backend, device, priority, accepted_unix_ms, "
                      "finished_unix_ms, tries, reusable, result, result_raw_bytes, error_code, "
                      "error FROM evaluations WHERE id = ?1 AND state <> 'queued'"));
  KS_ASSIGN_OR_RETURN(const bool found, select.BindText(1, id).Step());
  if (!found) return std::optional<Stored>();
  Stored stored;
  EvaluationStatus& status = stored.status;
  status.id = id;
  const std::optional<EvaluationState> state = ParseEvaluationState(select.Bytes(0));
  if (!state) return Error{ErrorCode::kDataLoss, reader_.path() + ": unknown state of " + id};
  status.state = *state;
  status.task = select.Bytes(1);
  status.task_hash = select.Bytes(2);
  status.backend = select.Bytes(3);
  status.device = select.Bytes(4);
  status.priority = static_cast<int>(select.Int(5));
  status.accepted_unix_ms = select.Int(6);
  status.finished_unix_ms = select.Int(7);
  status.tries = static_cast<int>(select.Int(8));
  stored.reusable = select.Int(9) != 0;
  KS_ASSIGN_OR_RETURN(status.evaluation_json,
                      Unpack(reader_, "result of " + id, select.Bytes(10), select.Int(11)));
  status.error_code = static_cast<ErrorCode>(select.Int(12));
  status.error = select.Bytes(13);
  return std::optional(std::move(stored));
}

Result<std::optional<std::string>> Journal::FindTask(const std::string& hash) const {
  const std::lock_guard lock(reader_mutex_);
  KS_ASSIGN_OR_RETURN(SqliteStatement select,
                      reader_.Prepare("SELECT zstd, raw_bytes FROM tasks WHERE hash = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, select.BindText(1, hash).Step());
  if (!found) return std::optional<std::string>();
  KS_ASSIGN_OR_RETURN(std::string json,
                      Unpack(reader_, "task " + hash, select.Bytes(0), select.Int(1)));
  return std::optional(std::move(json));
}

Result<std::string> Journal::RequestOf(const std::string& id) const {
  const std::lock_guard lock(reader_mutex_);
  KS_ASSIGN_OR_RETURN(
      SqliteStatement select,
      reader_.Prepare("SELECT request, request_raw_bytes FROM evaluations WHERE id = ?1"));
  KS_ASSIGN_OR_RETURN(const bool found, select.BindText(1, id).Step());
  if (!found) return Error{ErrorCode::kNotFound, reader_.path() + ": no request " + id};
  return Unpack(reader_, "request " + id, select.Bytes(0), select.Int(1));
}

Journal::Counts Journal::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Journal::Post(Operation operation) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(operation));
  wake_.notify_one();
}

void Journal::Write(std::stop_token stop) {
  for (;;) {
    std::deque<Operation> operations;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [&] { return !queue_.empty(); });
      if (queue_.empty()) return;  // stopped, and all is written
      operations.swap(queue_);
    }
    const bool durable = std::any_of(operations.begin(), operations.end(),
                                     [](const Operation& one) { return one.durable; });
    Status status = Commit(operations, durable);
    for (const Operation& one : operations) {
      if (one.done) one.done(status);
    }
    for (const Operation& one : operations) uncounted_bytes_ += one.cached_bytes;
    if (!status.ok() || uncounted_bytes_ * kUncountedShare < limit_bytes_) continue;
    status = Count();
    if (status.ok()) status = Evict();
    if (!status.ok()) std::fprintf(stderr, "ksmith: %s\n", status.error().message.c_str());
  }
}

Status Journal::Commit(std::deque<Operation>& operations, bool durable) {
  KS_RETURN_IF_ERROR(
      writer_.Run(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(writer_));
  for (const Operation& one : operations) KS_RETURN_IF_ERROR(one.apply(writer_));
  return transaction.Commit();
}

std::optional<std::string> Journal::FindBlob(const std::string& key) {
  std::optional<std::string> blob;
  {
    const std::lock_guard lock(reader_mutex_);
    Result<SqliteStatement> select =
        reader_.Prepare("SELECT zstd, raw_bytes FROM binaries WHERE key = ?1");
    if (!select.ok()) return std::nullopt;
    const Result<bool> found = select->BindText(1, key).Step();
    if (!found.ok() || !*found) return std::nullopt;
    Result<std::string> bytes = Unpack(reader_, "binary " + key, select->Bytes(0), select->Int(1));
    if (!bytes.ok()) return std::nullopt;
    blob = *std::move(bytes);
  }
  Post({false,
        [key](const SqliteDb& db) -> Status {
          KS_RETURN_IF_ERROR(Tick(db));
          KS_ASSIGN_OR_RETURN(
              SqliteStatement update,
              db.Prepare("UPDATE binaries SET used = (SELECT used FROM clock) WHERE key = ?1"));
          return update.BindText(1, key).Run();
        },
        nullptr});
  return blob;
}

void Journal::PutBlob(const std::string& key, std::string bytes) {
  const Result<std::string> frame = Compress(bytes);
  if (!frame.ok()) return;
  const int64_t raw_bytes = SizeOf(bytes);
  Post({false,
        [key, frame = *frame, raw_bytes](const SqliteDb& db) -> Status {
          KS_RETURN_IF_ERROR(Tick(db));
          KS_ASSIGN_OR_RETURN(SqliteStatement insert,
                              db.Prepare("INSERT OR REPLACE INTO binaries VALUES(?1, ?2, ?3, "
                                         "(SELECT used FROM clock), ?4)"));
          return insert.BindText(1, key)
              .BindBlob(2, frame)
              .Bind(3, raw_bytes)
              .Bind(4, SizeOf(frame) + kRowOverheadBytes)
              .Run();
        },
        nullptr, SizeOf(*frame) + kRowOverheadBytes});
}

Status Journal::Count() {
  uncounted_bytes_ = 0;
  KS_ASSIGN_OR_RETURN(const int64_t outcomes,
                      writer_.QueryInt("SELECT count(*) FROM evaluations WHERE state <> 'queued'"));
  KS_ASSIGN_OR_RETURN(
      const int64_t outcome_bytes,
      writer_.QueryInt("SELECT coalesce(sum(bytes), 0) FROM evaluations WHERE state <> 'queued'"));
  KS_ASSIGN_OR_RETURN(const int64_t binaries, writer_.QueryInt("SELECT count(*) FROM binaries"));
  KS_ASSIGN_OR_RETURN(const int64_t binary_bytes,
                      writer_.QueryInt("SELECT coalesce(sum(bytes), 0) FROM binaries"));
  const std::lock_guard lock(mutex_);
  counts_.outcomes = outcomes;
  counts_.binaries = binaries;
  counts_.cached_bytes = outcome_bytes + binary_bytes;
  return {};
}

// The next few of both kinds; how many.
Result<int64_t> Journal::EvictSome() {
  const Counts now = counts();
  const int64_t batch =
      std::clamp<int64_t>((now.outcomes + now.binaries) / kEvictShare, 1, kEvictBatch);
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(writer_));
  KS_ASSIGN_OR_RETURN(
      const int64_t youngest,
      writer_.QueryInt(fmt::format(
          "SELECT coalesce(max(used), 0) FROM (SELECT used FROM (SELECT used FROM evaluations "
          "WHERE state <> 'queued' UNION ALL SELECT used FROM binaries) ORDER BY used LIMIT {})",
          batch)));
  int64_t gone = 0;
  for (const char* from : {"evaluations WHERE state <> 'queued' AND", "binaries WHERE"}) {
    KS_RETURN_IF_ERROR(writer_.Run(fmt::format("DELETE FROM {} used <= {}", from, youngest)));
    KS_ASSIGN_OR_RETURN(const int64_t rows, writer_.QueryInt("SELECT changes()"));
    gone += rows;
  }
  KS_RETURN_IF_ERROR(transaction.Commit());
  return gone;
}

Status Journal::Evict() {
  if (counts().cached_bytes <= limit_bytes_) return {};
  const auto goal = static_cast<int64_t>(kEvictTo * static_cast<double>(limit_bytes_));
  int64_t evicted = 0;
  while (counts().cached_bytes > goal) {
    KS_ASSIGN_OR_RETURN(const int64_t gone, EvictSome());
    KS_RETURN_IF_ERROR(Count());
    evicted += gone;
    if (gone == 0) break;
  }
  KS_RETURN_IF_ERROR(
      writer_.Run("DELETE FROM tasks WHERE hash NOT IN (SELECT task_hash FROM evaluations)"));
  KS_RETURN_IF_ERROR(writer_.Run("PRAGMA incremental_vacuum"));
  const std::lock_guard lock(mutex_);
  counts_.evicted += evicted;
  return {};
}

}  // namespace ks
