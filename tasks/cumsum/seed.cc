// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[rows, cols]: y[i, j] = x[i, 0] + ... + x[i, j]
extern "C" void cumsum(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += x[i * cols + j];
      y[i * cols + j] = sum;
    }
  }
}
