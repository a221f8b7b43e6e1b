// expect: rejected
// P11
#include <sys/ptrace.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
}
