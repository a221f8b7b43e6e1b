// expect: rejected
// P11
#include <cstdint>
#include <sys/ptrace.h>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
}
