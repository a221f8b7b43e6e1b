#include "store/sqlite_writer.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "store/sqlite_reader.h"

namespace ks {
namespace {

// So many in one commit come from a search that makes thousands of steps a second, which this
// thread would hold up; others have the time.
constexpr size_t kManySources = 8;
// Shorter ones take no less time with less effort.
constexpr size_t kLongSource = 2048;

// Runs a statement without rows and makes it ready for the next time.
Status RunOnce(SqliteStatement& statement) {
  const Status status = statement.Run();
  statement.Reset();
  return status;
}

Status RefuseHuge(const std::string& source) {
  if (static_cast<int64_t>(source.size()) <= kMaxSourceBytes) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("a source of {} bytes is too large to be stored", source.size())};
}

}  // namespace

Result<std::unique_ptr<SqliteStore::Writer>> SqliteStore::Writer::Make(SqliteDb db) {
  std::unique_ptr<Writer> writer(new Writer(std::move(db)));
  KS_RETURN_IF_ERROR(writer->Prepare());
  return writer;
}

Status SqliteStore::Writer::Prepare() {
  KS_ASSIGN_OR_RETURN(insert_event_, db_.Prepare("INSERT INTO events VALUES(?1, ?2, ?3, ?4, ?5)"));
  KS_ASSIGN_OR_RETURN(known_source_,
                      db_.Prepare(fmt::format("SELECT 1 FROM sources WHERE {}", kSourceLookup)));
  KS_ASSIGN_OR_RETURN(insert_source_,
                      db_.Prepare("INSERT INTO sources(hash, zstd, raw_bytes) VALUES(?1, ?2, ?3)"));
  KS_ASSIGN_OR_RETURN(insert_result_, db_.Prepare("INSERT OR REPLACE INTO results VALUES(?1, ?2)"));
  return {};
}

Status SqliteStore::Writer::SetDurability(bool survives_power_cut) {
  if (survives_power_cut_ == survives_power_cut) return {};
  KS_RETURN_IF_ERROR(
      db_.Run(survives_power_cut ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  survives_power_cut_ = survives_power_cut;
  return {};
}

Result<int64_t> SqliteStore::Writer::AppendAll(std::span<const Event> events,
                                               std::span<const NewSource> sources) {
  const std::lock_guard lock(mutex_);
  // The sync of this commit covers the log from its beginning, and with it every source and result
  // put before: an event on the disk never lacks its source.
  KS_RETURN_IF_ERROR(SetDurability(true));
  KS_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(db_));
  const bool many = sources.size() >= kManySources;
  for (const NewSource& source : sources) {
    const bool fast = many && source.text->size() >= kLongSource;
    KS_RETURN_IF_ERROR(InsertSource(source.hash, *source.text,
                                    fast ? CompressionEffort::kFast : CompressionEffort::kSmall));
  }
  KS_ASSIGN_OR_RETURN(int64_t sequence,
                      db_.QueryInt("SELECT coalesce(max(sequence), 0) FROM events"));
  for (const Event& event : events) KS_RETURN_IF_ERROR(InsertEvent(event, ++sequence));
  KS_RETURN_IF_ERROR(transaction.Commit());
  return sequence;
}

Status SqliteStore::Writer::InsertEvent(const Event& event, int64_t sequence) {
  const std::string body = EventBodyToBinary(event);
  insert_event_->Bind(1, sequence)
      .Bind(2, event.unix_ms)
      .Bind(3, event.elapsed_s)
      .BindTextView(4, EventKindName(event))
      .BindBlobView(5, body);
  return RunOnce(*insert_event_);
}

Status SqliteStore::Writer::InsertSource(const std::string& hash, const std::string& text,
                                         CompressionEffort effort) {
  KS_RETURN_IF_ERROR(RefuseHuge(text));
  const Result<bool> found = known_source_->BindTextView(1, hash).Step();
  known_source_->Reset();
  if (!found.ok()) return found.error();
  if (*found) return {};
  KS_ASSIGN_OR_RETURN(const std::string_view frame, compressor_.CompressView(text, effort));
  insert_source_->BindTextView(1, hash).BindBlobView(2, frame).Bind(
      3, static_cast<int64_t>(text.size()));
  return RunOnce(*insert_source_);
}

Result<std::string> SqliteStore::Writer::PutSource(const std::string& source) {
  KS_RETURN_IF_ERROR(RefuseHuge(source));
  std::string hash = Sha256Hex(source);
  const std::lock_guard lock(mutex_);
  KS_RETURN_IF_ERROR(SetDurability(false));
  KS_RETURN_IF_ERROR(InsertSource(hash, source, CompressionEffort::kSmall));
  return hash;
}

Status SqliteStore::Writer::PutResult(const std::string& key, const Evaluation& evaluation) {
  const std::lock_guard lock(mutex_);
  KS_RETURN_IF_ERROR(SetDurability(false));
  insert_result_->BindText(1, key).BindText(2, EvaluationToJson(evaluation));
  return RunOnce(*insert_result_);
}

}  // namespace ks
