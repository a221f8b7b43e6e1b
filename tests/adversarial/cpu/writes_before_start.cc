// expect: out_of_bounds
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
  volatile float* before = out;
  before[-1] = 1.0f;
}
