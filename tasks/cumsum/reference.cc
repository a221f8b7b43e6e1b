#include <cstdint>

extern "C" void cumsum(const double* x, double* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    double sum = 0.0;
    for (int64_t j = 0; j < cols; ++j) y[i * cols + j] = sum += x[i * cols + j];
  }
}
