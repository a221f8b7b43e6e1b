// expect: measured
// no-gain: true
// P9/T4: defines clock_gettime itself, in the hope that the runner's timer resolves to it.
#include <cstdint>
#include <ctime>
static long calls = 0;
extern "C" int clock_gettime(clockid_t, timespec* t) noexcept {
  t->tv_sec = 1;
  t->tv_nsec = ++calls;
  return 0;
}
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (volatile int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
}
