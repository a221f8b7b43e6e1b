// The layout of a run folder: which file lies where, and which folders hold a run.
#ifndef KS_STORE_RUN_FOLDER_H_
#define KS_STORE_RUN_FOLDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace ks {

// Paths only; touches no file. Immutable value.
class RunFolder {
 public:
  explicit RunFolder(std::string path);
  // As given, without trailing slashes.
  const std::string& path() const { return path_; }
  // The record (SqliteStore). SQLite keeps "-wal" and "-shm" files beside it while it is open.
  std::string DatabasePath() const { return path_ + "/run.sqlite"; }
  std::string ReportPath() const { return path_ + "/report.html"; }
  // The best kernel so far, with the file ending of its language.
  std::string BestPath(std::string_view ending = "cc") const;
  std::string LockPath() const { return path_ + "/lock"; }

 private:
  std::string path_;
};

// True when the folder has a run database.
bool HoldsRun(const FileSystem& files, const RunFolder& folder);

// `root` itself when it holds a run, else the folders directly in it that do, by name.
// ERRORS: kNotFound (no such folder).
Result<std::vector<RunFolder>> ListRuns(const FileSystem& files, const std::string& root);

}  // namespace ks

#endif  // KS_STORE_RUN_FOLDER_H_
