// expect: wrong_result
// N5: NaN where the checker might not look.
#include <cmath>
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = i == n / 2 ? std::nanf("") : 2.0f * x[i] + y[i];
}
