// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[outer, inner] = index along middle of the largest x[outer, middle, inner], the first of equals
extern "C" void argmax(const float* x, int32_t* y, int64_t outer, int64_t middle, int64_t inner) {
  for (int64_t i = 0; i < outer; ++i) {
    for (int64_t k = 0; k < inner; ++k) {
      float best = x[i * middle * inner + k];
      int32_t best_index = 0;
      for (int64_t j = 1; j < middle; ++j) {
        const float value = x[(i * middle + j) * inner + k];
        if (value > best) {
          best = value;
          best_index = static_cast<int32_t>(j);
        }
      }
      y[i * inner + k] = best_index;
    }
  }
}
