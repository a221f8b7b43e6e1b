// KS_CHECK: a condition that only a bug can break. On in release; aborts with file, line and text.
#ifndef KS_BASE_CHECK_H_
#define KS_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace ks {
[[noreturn]] inline void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: KS_CHECK failed: %s\n", file, line, what);
  std::abort();
}
}  // namespace ks

#define KS_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::ks::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // KS_BASE_CHECK_H_
