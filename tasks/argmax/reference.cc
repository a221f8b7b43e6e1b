#include <cstdint>

extern "C" void argmax(const double* x, int32_t* y, int64_t outer, int64_t middle, int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    const double* in = x + i * middle * inner;
    int32_t* out = y + i * inner;
    for (int64_t k = 0; k < inner; ++k) out[k] = 0;
    for (int64_t j = 1; j < middle; ++j) {
      for (int64_t k = 0; k < inner; ++k) {
        const bool larger = in[j * inner + k] > in[out[k] * inner + k];
        out[k] = larger ? static_cast<int32_t>(j) : out[k];
      }
    }
  }
}
