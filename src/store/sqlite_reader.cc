#include "store/sqlite_reader.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "store/migrations.h"

namespace ks {
namespace {

Error Damaged(const std::string& path, const std::string& what) {
  return {ErrorCode::kDataLoss, fmt::format("{}: {}", path, what)};
}

// Lets go of the snapshot when the answer was read.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(SqliteStatement& statement) : statement_(statement) {}
  ~ResetAtEnd() { statement_.Reset(); }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  SqliteStatement& statement_;
};

// To be read into; the smallest of all bodies, as there may be millions.
Event Blank() { return {0, 0, 0, BaselineChosen{}}; }

// Room is made for so many events before the first is read, at most.
constexpr int64_t kReserve = 1 << 16;

}  // namespace

Result<std::unique_ptr<SqliteStore::Reader>> SqliteStore::Reader::Make(SqliteDb db) {
  KS_ASSIGN_OR_RETURN(const int64_t format, FormatOf(db));
  std::unique_ptr<Reader> reader(new Reader(std::move(db)));
  KS_RETURN_IF_ERROR(reader->Prepare(format));
  return reader;
}

Status SqliteStore::Reader::Prepare(int64_t format) {
  const bool first = format == 1;  // everything JSON, sources with their hash as the key
  KS_ASSIGN_OR_RETURN(
      events_, db_.Prepare(fmt::format("SELECT sequence, kind, {}, unix_ms, elapsed_s FROM events "
                                       "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                                       first ? "json" : "body")));
  KS_ASSIGN_OR_RETURN(source_,
                      db_.Prepare(fmt::format("SELECT zstd, raw_bytes FROM sources WHERE {}",
                                              first ? "hash = ?1" : kSourceLookup)));
  KS_ASSIGN_OR_RETURN(result_, db_.Prepare("SELECT json FROM results WHERE key = ?1"));
  return {};
}

Result<std::vector<Event>> SqliteStore::Reader::ReadSome(int64_t after, int64_t limit) {
  const std::lock_guard lock(mutex_);
  const ResetAtEnd reset(*events_);
  events_->Bind(1, after).Bind(2, limit);
  std::vector<Event> events;
  if (limit > 0 && limit <= kReserve) events.reserve(static_cast<size_t>(limit));
  for (int64_t expected = after + 1;; ++expected) {
    KS_ASSIGN_OR_RETURN(const bool row, events_->Step());
    if (!row) return events;
    KS_RETURN_IF_ERROR(ReadRow(expected, events.emplace_back(Blank())));
  }
}

Status SqliteStore::Reader::ReadRow(int64_t expected, Event& event) const {
  const SqliteStatement& row = *events_;
  const int64_t sequence = row.Int(0);
  if (sequence != expected) {
    return Damaged(db_.path(), fmt::format("event {} is missing (found {})", expected, sequence));
  }
  Status body;
  if (row.IsText(2)) {
    Result<Event> from_json = EventFromJson(row.Bytes(2));
    body = from_json.ok() ? Status() : Status(from_json.error());
    if (from_json.ok()) event = *std::move(from_json);
  } else {
    event.sequence = sequence;
    event.unix_ms = row.Int(3);
    event.elapsed_s = row.Double(4);
    body = EventBodyFromBinary(row.View(2), event);
  }
  if (!body.ok()) return body.error().Under(fmt::format("{}: event {}", db_.path(), sequence));
  if (event.sequence == sequence && row.View(1) == EventKindName(event)) return {};
  return Damaged(db_.path(), fmt::format("event {} holds event {} ({})", sequence, event.sequence,
                                         EventKindName(event)));
}

Result<int64_t> SqliteStore::Reader::LastSequence() {
  const std::lock_guard lock(mutex_);
  return db_.QueryInt("SELECT coalesce(max(sequence), 0) FROM events");
}

Result<std::string> SqliteStore::Reader::GetSource(const std::string& source_hash) {
  const std::lock_guard lock(mutex_);
  const ResetAtEnd reset(*source_);
  KS_ASSIGN_OR_RETURN(const bool found, source_->BindText(1, source_hash).Step());
  if (!found) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("{}: source {} is not stored", db_.path(), source_hash)};
  }
  return SourceOfRow(source_hash);
}

Result<std::string> SqliteStore::Reader::SourceOfRow(const std::string& source_hash) {
  const int64_t raw_bytes = source_->Int(1);
  if (raw_bytes < 0 || raw_bytes > kMaxSourceBytes) {
    return Damaged(db_.path(), fmt::format("source {} claims {} bytes", source_hash, raw_bytes));
  }
  Result<std::string> source =
      decompressor_.Decompress(source_->View(0), static_cast<size_t>(raw_bytes));
  if (!source.ok()) {
    return source.error().Under(fmt::format("{}: source {}", db_.path(), source_hash));
  }
  if (Sha256Hex(*source) != source_hash) {
    return Damaged(db_.path(), fmt::format("source {} does not have this hash", source_hash));
  }
  return source;
}

Result<std::optional<Evaluation>> SqliteStore::Reader::GetResult(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const ResetAtEnd reset(*result_);
  KS_ASSIGN_OR_RETURN(const bool found, result_->BindText(1, key).Step());
  if (!found) return std::optional<Evaluation>();
  Result<Evaluation> evaluation = EvaluationFromJson(result_->Bytes(0));
  if (!evaluation.ok()) {
    return evaluation.error().Under(fmt::format("{}: result {}", db_.path(), key));
  }
  return std::optional<Evaluation>(*std::move(evaluation));
}

}  // namespace ks
