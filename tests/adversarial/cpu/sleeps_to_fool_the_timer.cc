// expect: rejected
// A sleep costs no CPU time; a wall clock would see it, a CPU clock would not.
#include <cstdint>
#include <ctime>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  timespec t{0, 20000000};
  nanosleep(&t, nullptr);
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
}
