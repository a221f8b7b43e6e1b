// expect: out_of_bounds crashed
// Reads a page beyond an input.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  float extra = 0;
  const volatile float* beyond = x;
  for (int64_t i = 0; i < 2048; ++i) extra += beyond[n + i] * 0.0f;
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i] + (extra == 1.0f ? 1.0f : 0.0f);
}
