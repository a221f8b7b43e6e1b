// expect: wrong_result
// T8: correct for the first 40 calls, then does a tenth of the work.
#include <cstdint>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  static int calls = 0;
  static int large_calls = 0;
  ++calls;
  if (n > 100000) ++large_calls;
  const int64_t end = large_calls > 2 ? n / 10 : n;
  for (int64_t i = 0; i < end; ++i) out[i] = 2.0f * x[i] + y[i];
}
