#include "store/sqlite_db.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>
#include <filesystem>

namespace ks {
namespace {

struct Meaning {
  ErrorCode code;
  const char* advice;
};

// What the caller can do about an (extended) result code.
Meaning MeaningOf(int code) {
  switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS:
      return {ErrorCode::kDataLoss, "the disk gives back damaged data: restore a copy"};
    case SQLITE_IOERR_NOMEM:
      return {ErrorCode::kResourceExhausted, "free some memory, then resume"};
    default:
      break;
  }
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {ErrorCode::kResourceExhausted, "free some disk space, then resume the run"};
    case SQLITE_IOERR:
      return {ErrorCode::kResourceExhausted,
              "the disk is full or failing: free some space or mend it, then resume the run"};
    case SQLITE_NOMEM:
      return {ErrorCode::kResourceExhausted, "free some memory, then resume"};
    case SQLITE_READONLY:
      return {ErrorCode::kFailedPrecondition,
              "make the folder writable or choose another one for the run"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {ErrorCode::kFailedPrecondition,
              "check that the folder exists and that this user may read and write in it"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kDataLoss,
              "the file is damaged: restore a copy, or save what can be read with "
              "'sqlite3 FILE .recover'"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, "another process is using the file: try again later"};
    default:
      return {ErrorCode::kInternal, "this should not happen: please report it"};
  }
}

Error MakeError(const std::string& path, int code, const char* message, int system_errno) {
  const Meaning meaning = MeaningOf(code);
  std::string text = fmt::format("{}: {}", path, message);
  if (system_errno != 0) text += fmt::format(" ({})", std::strerror(system_errno));
  return {meaning.code, fmt::format("{}; {}", text, meaning.advice)};
}

// A "file:" address of an absolute path.
std::string ImmutableUri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

int FlagsOf(SqliteDb::Access access) {
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case SqliteDb::Access::kCreate:
      return kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SqliteDb::Access::kWrite:
      return kCommon | SQLITE_OPEN_READWRITE;
    // Not SQLITE_OPEN_READONLY: such a connection leaves the log's files behind when it is the last
    // to close. SQLite falls back to reading where the file cannot be written.
    case SqliteDb::Access::kRead:
      return kCommon | SQLITE_OPEN_READWRITE;
    case SqliteDb::Access::kImmutable:
      return kCommon | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  }
  return kCommon;
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteStatement& SqliteStatement::Bind(int parameter, int64_t value) {
  KS_CHECK(sqlite3_bind_int64(statement_.get(), parameter, value) == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int parameter, double value) {
  KS_CHECK(sqlite3_bind_double(statement_.get(), parameter, value) == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::BindText(int parameter, std::string_view value) {
  // A failure (too long, out of memory) leaves the parameter null; NOT NULL then refuses the row.
  static_cast<void>(sqlite3_bind_text64(statement_.get(), parameter, value.data(), value.size(),
                                        SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int parameter, std::string_view value) {
  static_cast<void>(sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(),
                                        SQLITE_TRANSIENT));
  return *this;
}

SqliteStatement& SqliteStatement::BindTextView(int parameter, std::string_view value) {
  static_cast<void>(sqlite3_bind_text64(statement_.get(), parameter, value.data(), value.size(),
                                        SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::BindBlobView(int parameter, std::string_view value) {
  static_cast<void>(
      sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_STATIC));
  return *this;
}

Result<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return db_->LastError();
}

Status SqliteStatement::Run() {
  for (;;) {
    KS_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return {};
  }
}

int64_t SqliteStatement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double SqliteStatement::Double(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string_view SqliteStatement::View(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

bool SqliteStatement::IsText(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_TEXT;
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

void SqliteDb::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Result<SqliteDb> SqliteDb::Open(const std::string& path, Access access, int busy_timeout_ms) {
  // Absolute, because SQLite gives names such as ":memory:" a meaning of their own.
  const std::string absolute = std::filesystem::absolute(path).string();
  const std::string name = access == Access::kImmutable ? ImmutableUri(absolute) : absolute;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, FlagsOf(access), nullptr);
  SqliteDb db(path, raw);  // also a failed connection must be closed
  if (raw == nullptr) return MakeError(path, SQLITE_NOMEM, "out of memory", 0);
  if (code != SQLITE_OK) return db.LastError();
  sqlite3_busy_timeout(raw, busy_timeout_ms);
  if (access == Access::kRead) KS_RETURN_IF_ERROR(db.Run("PRAGMA query_only = ON"));
  return db;
}

Result<SqliteStatement> SqliteDb::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return LastError();
  }
  return SqliteStatement(*this, statement);
}

Status SqliteDb::Run(const std::string& sql) const {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError();
  }
  return {};
}

Result<int64_t> SqliteDb::QueryInt(std::string_view sql) const {
  KS_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  KS_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Error{ErrorCode::kInternal, fmt::format("{}: no row for {}", path_, sql)};
  return statement.Int(0);
}

Result<std::string> SqliteDb::QueryText(std::string_view sql) const {
  KS_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  KS_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Error{ErrorCode::kInternal, fmt::format("{}: no row for {}", path_, sql)};
  return statement.Bytes(0);
}

bool SqliteDb::read_only() const { return sqlite3_db_readonly(db_.get(), "main") == 1; }

Error SqliteDb::LastError() const {
  const int code = sqlite3_extended_errcode(db_.get());
  const int kind = code & 0xFF;
  const bool from_system = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL;
  return MakeError(path_, code, sqlite3_errmsg(db_.get()),
                   from_system ? sqlite3_system_errno(db_.get()) : 0);
}

Result<SqliteTransaction> SqliteTransaction::Begin(const SqliteDb& db) {
  KS_RETURN_IF_ERROR(db.Run("BEGIN IMMEDIATE"));
  return SqliteTransaction(db);
}

SqliteTransaction::~SqliteTransaction() {
  // Fails when SQLite has rolled back by itself, which is as good.
  if (db_ != nullptr) static_cast<void>(db_->Run("ROLLBACK"));
}

Status SqliteTransaction::Commit() {
  KS_RETURN_IF_ERROR(db_->Run("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace ks
