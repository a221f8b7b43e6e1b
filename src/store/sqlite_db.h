// libsqlite3, wrapped once: a connection, a statement, a transaction, and what its codes mean here.
#ifndef KS_STORE_SQLITE_DB_H_
#define KS_STORE_SQLITE_DB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ks {

class SqliteDb;

// One prepared statement, stepped through once, or again after Reset. Single thread; must not
// outlive its SqliteDb.
class SqliteStatement {
 public:
  // Parameters and columns are bound and read by index: parameters from 1, columns from 0.
  SqliteStatement& Bind(int parameter, int64_t value);
  SqliteStatement& Bind(int parameter, double value);
  SqliteStatement& BindText(int parameter, std::string_view value);
  SqliteStatement& BindBlob(int parameter, std::string_view value);
  // Without a copy: the bytes must stay until Reset.
  SqliteStatement& BindTextView(int parameter, std::string_view value);
  SqliteStatement& BindBlobView(int parameter, std::string_view value);
  // True: a row is there. False: done. ERRORS: as SqliteDb.
  Result<bool> Step();
  // Ready to be bound and stepped through again; lets go of the snapshot it read.
  void Reset();
  // For a statement without rows. ERRORS: as SqliteDb.
  Status Run();
  int64_t Int(int column) const;
  double Double(int column) const;
  // Text or blob. A view is good until the next step.
  std::string Bytes(int column) const { return std::string(View(column)); }
  std::string_view View(int column) const;
  bool IsText(int column) const;

 private:
  friend class SqliteDb;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(const SqliteDb& db, sqlite3_stmt* statement) : db_(&db), statement_(statement) {}

  const SqliteDb* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// A connection. Single thread (the owner locks). The destructor closes it; it commits nothing.
//
// ERRORS of every call, with the file and what to do in the message:
//   kResourceExhausted   the disk is full or failing, or memory ran out
//   kFailedPrecondition  the file or its folder is read-only or cannot be opened
//   kDataLoss            the file is damaged or no SQLite file
//   kUnavailable         another process holds the lock longer than the busy time-out
//   kInternal            anything else
class SqliteDb {
 public:
  enum class Access {
    kCreate,     // read and write; the file is made when missing
    kWrite,      // read and write; the file must exist
    kRead,       // read; other processes may be writing
    kImmutable,  // read a file that nobody is writing, without any file beside it
  };
  static Result<SqliteDb> Open(const std::string& path, Access access, int busy_timeout_ms);

  Result<SqliteStatement> Prepare(std::string_view sql) const;
  // One or more statements; rows are thrown away.
  Status Run(const std::string& sql) const;
  // The first column of the first row. ERRORS: kInternal when there is no row.
  Result<int64_t> QueryInt(std::string_view sql) const;
  Result<std::string> QueryText(std::string_view sql) const;
  // True when the file cannot be written although writing was asked for.
  bool read_only() const;
  const std::string& path() const { return path_; }
  // The connection's latest failure as an Error.
  Error LastError() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  SqliteDb(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
};

// A write transaction; rolled back unless committed. Must not outlive its SqliteDb.
class SqliteTransaction {
 public:
  // Takes the write lock at once.
  static Result<SqliteTransaction> Begin(const SqliteDb& db);
  SqliteTransaction(SqliteTransaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();
  Status Commit();

 private:
  explicit SqliteTransaction(const SqliteDb& db) : db_(&db) {}
  const SqliteDb* db_;  // null once committed or moved from
};

}  // namespace ks

#endif  // KS_STORE_SQLITE_DB_H_
