// expect: rejected
// P10: patches the runner's code.
#include <sys/mman.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  const auto page = reinterpret_cast<uintptr_t>(&scale_add) & ~uintptr_t{4095};
  mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}
