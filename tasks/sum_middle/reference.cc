#include <cstdint>

extern "C" void sum_middle(const double* x, double* y, int64_t outer, int64_t middle,
                           int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    double* out = y + i * inner;
    for (int64_t k = 0; k < inner; ++k) out[k] = 0.0;
    for (int64_t j = 0; j < middle; ++j) {
      const double* in = x + (i * middle + j) * inner;
      for (int64_t k = 0; k < inner; ++k) out[k] += in[k];
    }
  }
}
