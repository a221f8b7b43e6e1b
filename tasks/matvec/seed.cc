// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[rows] = a[rows, cols] * x[cols]
extern "C" void matvec(const float* a, const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += a[i * cols + j] * x[j];
    }
    y[i] = sum;
  }
}
