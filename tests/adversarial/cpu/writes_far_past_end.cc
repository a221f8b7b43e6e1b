// expect: out_of_bounds crashed
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
  volatile float* beyond = out;
  for (int64_t i = 0; i < 4096; ++i) beyond[n + i] = 1.0f;
}
