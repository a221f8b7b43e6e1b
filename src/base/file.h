// The file-system seam: everything that reads or writes files takes one of these.
#ifndef KS_BASE_FILE_H_
#define KS_BASE_FILE_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ks {

// Thread-safety: as the implementation says. Paths are UTF-8, '/' separated.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // ERRORS: kNotFound; kInvalidArgument for a folder or more than `max_bytes`; kInternal.
  virtual Result<std::string> Read(const std::string& path, size_t max_bytes) const = 0;
  // Writes beside the target, syncs, renames: readers see the old or the new file, never half.
  // ERRORS: kResourceExhausted (disk full), kFailedPrecondition (read-only or no permission).
  virtual Status WriteAtomically(const std::string& path, std::string_view bytes) = 0;
  // With all missing parents; fine when it exists.
  virtual Status MakeDirs(const std::string& path) = 0;
  virtual bool IsFile(const std::string& path) const = 0;
  virtual bool IsDir(const std::string& path) const = 0;
  // Names (not paths) in a folder, sorted. ERRORS: kNotFound.
  virtual Result<std::vector<std::string>> List(const std::string& path) const = 0;
  // A file or a whole folder; fine when it is not there.
  virtual Status RemoveAll(const std::string& path) = 0;
};

inline constexpr size_t kMaxTextFileBytes = 16u << 20;

// Thread-safe.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::string> Read(const std::string& path, size_t max_bytes) const override;
  Status WriteAtomically(const std::string& path, std::string_view bytes) override;
  Status MakeDirs(const std::string& path) override;
  bool IsFile(const std::string& path) const override;
  bool IsDir(const std::string& path) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;
  Status RemoveAll(const std::string& path) override;
};

// In memory, for tests and for the embedded task library. Thread-compatible. Unlike a disk it makes
// missing folders when a file is written.
class MemoryFileSystem final : public FileSystem {
 public:
  Result<std::string> Read(const std::string& path, size_t max_bytes) const override;
  Status WriteAtomically(const std::string& path, std::string_view bytes) override;
  Status MakeDirs(const std::string& path) override;
  bool IsFile(const std::string& path) const override;
  bool IsDir(const std::string& path) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;
  Status RemoveAll(const std::string& path) override;
  // Every later write fails with this.
  void FailWrites(Error error) { write_error_ = std::move(error); }

 private:
  std::map<std::string, std::string> files_;
  std::set<std::string> dirs_;
  Status write_error_;
};

// An errno as an Error: ENOENT kNotFound, ENOSPC/EDQUOT kResourceExhausted, EROFS/EACCES/EPERM
// kFailedPrecondition, else kInternal. `what` names the operation and the object.
Error ErrnoError(int error_number, std::string_view what);

}  // namespace ks

#endif  // KS_BASE_FILE_H_
