#include "backend/device/device_runner_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/file.h"

// KS_DEVICE_RUNNER_FILE is the path of the built executable.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    ".globl ks_device_runner_begin\n"
    "ks_device_runner_begin:\n"
    ".incbin \"" KS_DEVICE_RUNNER_FILE
    "\"\n"
    ".globl ks_device_runner_end\n"
    "ks_device_runner_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const char ks_device_runner_begin[];
extern "C" const char ks_device_runner_end[];

namespace ks {

Result<UniqueFd> NewDeviceRunnerFile() {
  constexpr unsigned kExecutable = 0x0010;  // MFD_EXEC
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(memfd_create("ksmith-device-runner", flags | kExecutable));
  // Kernels before 6.3 do not know the flag and do not need it.
  if (!file.valid()) file.Reset(memfd_create("ksmith-device-runner", flags));
  if (!file.valid()) return ErrnoError(errno, "memfd_create for the device runner");
  std::string_view rest(ks_device_runner_begin,
                        static_cast<size_t>(ks_device_runner_end - ks_device_runner_begin));
  while (!rest.empty()) {
    const ssize_t n = write(file.get(), rest.data(), rest.size());
    if (n <= 0) return ErrnoError(errno, "writing the device runner to memory");
    rest.remove_prefix(static_cast<size_t>(n));
  }
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

}  // namespace ks
