// expect: wrong_result
// F1: a constant output.
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = 0.0f;
}
