// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[rows, cols] = x - log(sum(exp(x))) for each row
extern "C" void log_softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float largest = x[i * cols];
    for (int64_t j = 1; j < cols; ++j) {
      if (x[i * cols + j] > largest) largest = x[i * cols + j];
    }
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += std::exp(x[i * cols + j] - largest);
    }
    const float log_sum = std::log(sum);
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = x[i * cols + j] - largest - log_sum;
    }
  }
}
