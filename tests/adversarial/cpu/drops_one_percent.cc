// expect: wrong_result
// N2: one element in a hundred is left wrong, in the hope of a matched ratio.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = i % 100 == 99 ? 0.0f : 2.0f * x[i] + y[i];
}
