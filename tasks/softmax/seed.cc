// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[rows, cols]: each row of x exponentiated and scaled to sum 1
extern "C" void softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float largest = x[i * cols];
    for (int64_t j = 1; j < cols; ++j) {
      if (x[i * cols + j] > largest) largest = x[i * cols + j];
    }
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = std::exp(x[i * cols + j] - largest);
      sum += y[i * cols + j];
    }
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = y[i * cols + j] / sum;
    }
  }
}
