#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace ks {
namespace {

namespace fs = std::filesystem;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(errno, "cannot write " + path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Error ErrnoError(int error_number, std::string_view what) {
  ErrorCode code = ErrorCode::kInternal;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      code = ErrorCode::kNotFound;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = ErrorCode::kResourceExhausted;
      break;
    case EROFS:
    case EACCES:
    case EPERM:
      code = ErrorCode::kFailedPrecondition;
      break;
    default:
      break;
  }
  return {code, std::string(what) + ": " + std::strerror(error_number)};
}

Result<std::string> PosixFileSystem::Read(const std::string& path, size_t max_bytes) const {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoError(errno, "cannot open " + path);
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EISDIR) {
      return Error{ErrorCode::kInvalidArgument, path + " is a folder, not a file"};
    }
    if (n < 0) return ErrnoError(errno, "cannot read " + path);
    if (n == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(n) > max_bytes) {
      return Error{ErrorCode::kInvalidArgument,
                   path + " is larger than " + std::to_string(max_bytes) + " bytes"};
    }
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

Status PosixFileSystem::WriteAtomically(const std::string& path, std::string_view bytes) {
  // Two threads or processes that write one path do not share a temporary file.
  const std::string temporary = fmt::format("{}.tmp.{}.{}", path, getpid(), gettid());
  {
    const Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) return ErrnoError(errno, "cannot create " + temporary);
    Status written = WriteAll(fd.get(), bytes, temporary);
    if (written.ok() && fsync(fd.get()) != 0) {
      written = ErrnoError(errno, "cannot sync " + temporary);
    }
    if (!written.ok()) {
      unlink(temporary.c_str());
      return written;
    }
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = ErrnoError(errno, "cannot rename " + temporary + " to " + path);
    unlink(temporary.c_str());
    return error;
  }
  return {};
}

Status PosixFileSystem::MakeDirs(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return ErrnoError(error.value(), "cannot create folder " + path);
  return {};
}

bool PosixFileSystem::IsFile(const std::string& path) const {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool PosixFileSystem::IsDir(const std::string& path) const {
  std::error_code error;
  return fs::is_directory(path, error);
}

Result<std::vector<std::string>> PosixFileSystem::List(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator it(path, error);
  if (error) return ErrnoError(error.value(), "cannot list " + path);
  for (const fs::directory_iterator end; it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return ErrnoError(error.value(), "cannot list " + path);  // it was cut short
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFileSystem::RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return ErrnoError(error.value(), "cannot remove " + path);
  return {};
}

Result<std::string> MemoryFileSystem::Read(const std::string& path, size_t max_bytes) const {
  const auto it = files_.find(path);
  if (it == files_.end() && IsDir(path)) {
    return Error{ErrorCode::kInvalidArgument, path + " is a folder, not a file"};
  }
  if (it == files_.end()) return Error{ErrorCode::kNotFound, "cannot open " + path};
  if (it->second.size() > max_bytes) {
    return Error{ErrorCode::kInvalidArgument, path + " is too large"};
  }
  return it->second;
}

Status MemoryFileSystem::WriteAtomically(const std::string& path, std::string_view bytes) {
  if (!write_error_.ok()) return write_error_;
  files_[path] = std::string(bytes);
  return {};
}

Status MemoryFileSystem::MakeDirs(const std::string& path) {
  if (!write_error_.ok()) return write_error_;
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    dirs_.insert(path.substr(0, end));
  }
  dirs_.insert(path);
  return {};
}

bool MemoryFileSystem::IsFile(const std::string& path) const { return files_.contains(path); }

bool MemoryFileSystem::IsDir(const std::string& path) const {
  if (dirs_.contains(path)) return true;
  const auto it = files_.lower_bound(path + "/");
  return it != files_.end() && it->first.starts_with(path + "/");
}

Result<std::vector<std::string>> MemoryFileSystem::List(const std::string& path) const {
  if (!IsDir(path)) return Error{ErrorCode::kNotFound, "cannot list " + path};
  std::set<std::string> names;
  const std::string prefix = path.empty() ? "" : path + "/";
  const auto take = [&](const std::string& entry) {
    if (!entry.starts_with(prefix) || entry.size() == prefix.size()) return;
    const std::string rest = entry.substr(prefix.size());
    names.insert(rest.substr(0, rest.find('/')));
  };
  for (const auto& [file, bytes] : files_) take(file);
  for (const std::string& dir : dirs_) take(dir);
  return std::vector<std::string>(names.begin(), names.end());
}

Status MemoryFileSystem::RemoveAll(const std::string& path) {
  if (!write_error_.ok()) return write_error_;
  const auto inside = [&](const std::string& entry) {
    return entry == path || entry.starts_with(path + "/");
  };
  std::erase_if(files_, [&](const auto& entry) { return inside(entry.first); });
  std::erase_if(dirs_, inside);
  return {};
}

}  // namespace ks
