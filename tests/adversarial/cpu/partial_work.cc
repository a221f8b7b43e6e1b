// expect: wrong_result
// F6: leaves out the tail.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n - n / 64 - 1; ++i) out[i] = 2.0f * x[i] + y[i];
}
