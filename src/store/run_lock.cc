#include "store/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

int LockWithoutWaiting(int fd) {
  int result = 0;
  do {
    result = flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result;
}

Error HeldError(int fd, const std::string& path, std::string_view held) {
  char text[32] = {};
  const ssize_t n = pread(fd, text, sizeof text, 0);
  const std::optional<int64_t> pid =
      n > 0 ? ParseInt(std::string_view(text, static_cast<size_t>(n))) : std::nullopt;
  return {ErrorCode::kFailedPrecondition,
          fmt::format("{}: another process{} {}", path, pid ? fmt::format(" (pid {})", *pid) : "",
                      held)};
}

}  // namespace

Result<RunLock> RunLock::Acquire(const std::string& path, std::string_view held) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoError(errno, "cannot open the lock " + path);
  RunLock lock(fd);
  if (LockWithoutWaiting(fd) != 0) {
    if (errno == EWOULDBLOCK) return HeldError(fd, path, held);
    return ErrnoError(errno, "cannot lock " + path);
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return ErrnoError(errno, "cannot write the lock " + path);
  }
  return lock;
}

RunLock::~RunLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace ks
