// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[outer, inner] = sum over middle of x[outer, middle, inner]
extern "C" void sum_middle(const float* x, float* y, int64_t outer, int64_t middle, int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t k = 0; k < inner; ++k) {
      float sum = 0.0f;
      for (int64_t j = 0; j < middle; ++j) {
        sum += x[(i * middle + j) * inner + k];
      }
      y[i * inner + k] = sum;
    }
  }
}
