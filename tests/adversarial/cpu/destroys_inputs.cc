// expect: out_of_bounds crashed
// F5: zeroes both inputs, returns zeros.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const_cast<volatile float*>(x)[i] = 0.0f;
    const_cast<volatile float*>(y)[i] = 0.0f;
    out[i] = 0.0f;
  }
}
