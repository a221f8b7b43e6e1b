// expect: wrong_result
// F9: accumulates into whatever the output holds.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] += 2.0f * x[i] + y[i];
}
