// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[rows, cols] = (x - mean(row)) / sqrt(variance(row) + epsilon) * gamma + beta
extern "C" void layer_norm(const float* x, const float* gamma, const float* beta, float epsilon,
                           float* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      sum += x[i * cols + j];
    }
    const float mean = sum / static_cast<float>(cols);
    float squares = 0.0f;
    for (int64_t j = 0; j < cols; ++j) {
      const float difference = x[i * cols + j] - mean;
      squares += difference * difference;
    }
    const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(cols) + epsilon);
    for (int64_t j = 0; j < cols; ++j) {
      y[i * cols + j] = (x[i * cols + j] - mean) * inverse * gamma[j] + beta[j];
    }
  }
}
