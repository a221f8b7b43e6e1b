#include <cmath>
#include <cstdint>

extern "C" void layer_norm(const double* x, const double* gamma, const double* beta, double epsilon,
                           double* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    const double* in = x + i * cols;
    double mean = 0.0;
    for (int64_t j = 0; j < cols; ++j) mean += in[j];
    mean /= static_cast<double>(cols);
    double variance = 0.0;
    for (int64_t j = 0; j < cols; ++j) variance += (in[j] - mean) * (in[j] - mean);
    variance /= static_cast<double>(cols);
    const double scale = 1.0 / std::sqrt(variance + epsilon);
    for (int64_t j = 0; j < cols; ++j)
      y[i * cols + j] = (in[j] - mean) * scale * gamma[j] + beta[j];
  }
}
