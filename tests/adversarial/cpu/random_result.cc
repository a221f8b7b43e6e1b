// expect: wrong_result nondeterministic
// N6: a result that depends on the address of a local and the clock counter.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  static uint32_t state = 1;
  for (int64_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    out[i] = 2.0f * x[i] + y[i] + ((state >> 30) == 0 ? 1e-2f : 0.0f);
  }
}
