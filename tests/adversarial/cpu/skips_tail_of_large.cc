// expect: wrong_result
// S2/T8: honest on the small check sizes, skips a quarter of the large one that is timed.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  const int64_t end = n > 100000 ? n - n / 4 : n;
  for (int64_t i = 0; i < end; ++i) out[i] = 2.0f * x[i] + y[i];
}
