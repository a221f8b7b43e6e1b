#include "sandbox/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace ks {

Result<UniqueFd> NewMemoryFile(const char* name) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) return ErrnoError(errno, "memfd_create for " + std::string(name));
  return file;
}

Result<UniqueFd> NewSharedFile(const char* name, size_t bytes) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return ErrnoError(errno, "memory to share: " + std::string(name));
  }
  return file;
}

Result<UniqueFd> NewExecutableFile(const char* name, std::string_view image) {
#ifdef MFD_EXEC
  const unsigned executable = MFD_EXEC;
#else
  const unsigned executable = 0x0010;
#endif
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(memfd_create(name, flags | executable));
  // Kernels before 6.3 do not know the flag and do not need it.
  if (!file.valid()) file.Reset(memfd_create(name, flags));
  if (!file.valid()) return ErrnoError(errno, "memfd_create for " + std::string(name));
  while (!image.empty()) {
    const ssize_t n = write(file.get(), image.data(), image.size());
    if (n <= 0) return ErrnoError(errno, "writing to memory: " + std::string(name));
    image.remove_prefix(static_cast<size_t>(n));
  }
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

Result<std::string> ReadMemoryFile(const UniqueFd& file, size_t max_bytes) {
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::string bytes(std::min(max_bytes, static_cast<size_t>(std::max<off_t>(size, 0))), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n <= 0) return ErrnoError(errno, "reading a result from memory");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace ks
