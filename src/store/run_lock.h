// Keeps two processes from evolving in one run folder.
#ifndef KS_STORE_RUN_LOCK_H_
#define KS_STORE_RUN_LOCK_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace ks {

// An exclusive flock on a file of the run folder, which also holds the owner's process id for the
// message others get. The system releases it when the process ends, however it ends; the file stays
// and means nothing by itself. Closed on exec, so that children do not keep it. Movable; the
// destructor releases.
class RunLock {
 public:
  // `path` is RunFolder::LockPath(). Does not wait.
  // ERRORS: kFailedPrecondition (held by another process or another RunLock of this one, or the
  // folder is read-only), kNotFound (no such folder), kResourceExhausted (disk full).
  // `held` ends the message "PATH: another process ..." when it is.
  static Result<RunLock> Acquire(
      const std::string& path,
      std::string_view held =
          "is evolving in this run folder: wait for it, stop it, or choose "
          "another folder with --run");

  RunLock(RunLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  explicit RunLock(int fd) : fd_(fd) {}
  int fd_;  // -1: moved from
};

}  // namespace ks

#endif  // KS_STORE_RUN_LOCK_H_
