#include <algorithm>
#include <cmath>
#include <cstdint>

extern "C" void log_softmax(const double* x, double* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    const double* in = x + i * cols;
    const double largest = *std::max_element(in, in + cols);
    double sum = 0.0;
    for (int64_t j = 0; j < cols; ++j) sum += std::exp(in[j] - largest);
    const double shift = largest + std::log(sum);
    for (int64_t j = 0; j < cols; ++j) y[i * cols + j] = in[j] - shift;
  }
}
