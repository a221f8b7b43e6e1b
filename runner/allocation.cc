// Allocation functions that note the size of a request that failed, so that running out of memory
// is told apart from a crash. They are found before libc's, also by the candidate.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault_handler.h"

extern "C" {

void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* old, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) {
  void* const result = __libc_malloc(bytes);
  if (result == nullptr) ks::NoteFailedRequest(bytes);
  return result;
}

void* calloc(size_t count, size_t bytes) {
  void* const result = __libc_calloc(count, bytes);
  if (result == nullptr) ks::NoteFailedRequest(count * bytes);
  return result;
}

void* realloc(void* old, size_t bytes) {
  void* const result = __libc_realloc(old, bytes);
  if (result == nullptr && bytes > 0) ks::NoteFailedRequest(bytes);
  return result;
}

void* memalign(size_t alignment, size_t bytes) {
  void* const result = __libc_memalign(alignment, bytes);
  if (result == nullptr) ks::NoteFailedRequest(bytes);
  return result;
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** result, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* const memory = memalign(alignment, bytes);
  if (memory == nullptr) return ENOMEM;
  *result = memory;
  return 0;
}

void* mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) {
  const long result = syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
  if (result == -1 && errno == ENOMEM) ks::NoteFailedRequest(bytes);
  return reinterpret_cast<void*>(result);
}

}  // extern "C"
