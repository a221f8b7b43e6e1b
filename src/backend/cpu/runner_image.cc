#include "backend/cpu/runner_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

// KS_RUNNER_FILE is the path of the built executable.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    ".globl ks_runner_image_begin\n"
    "ks_runner_image_begin:\n"
    ".incbin \"" KS_RUNNER_FILE
    "\"\n"
    ".globl ks_runner_image_end\n"
    "ks_runner_image_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const char ks_runner_image_begin[];
extern "C" const char ks_runner_image_end[];

namespace ks {

std::string_view RunnerImage() {
  return {ks_runner_image_begin, static_cast<size_t>(ks_runner_image_end - ks_runner_image_begin)};
}

Result<UniqueFd> NewRunnerFile() {
#ifdef MFD_EXEC
  const unsigned executable = MFD_EXEC;
#else
  const unsigned executable = 0x0010;
#endif
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(memfd_create("ksmith-runner", flags | executable));
  // Kernels before 6.3 do not know the flag and do not need it.
  if (!file.valid()) file.Reset(memfd_create("ksmith-runner", flags));
  if (!file.valid()) return ErrnoError(errno, "memfd_create for the runner");
  std::string_view rest = RunnerImage();
  while (!rest.empty()) {
    const ssize_t n = write(file.get(), rest.data(), rest.size());
    if (n <= 0) return ErrnoError(errno, "writing the runner to memory");
    rest.remove_prefix(static_cast<size_t>(n));
  }
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

}  // namespace ks
