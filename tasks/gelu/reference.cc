#include <cmath>
#include <cstdint>

extern "C" void gelu(const double* x, double* y, int64_t count) {
  const double factor = std::sqrt(2.0 / 3.14159265358979323846);
  for (int64_t i = 0; i < count; ++i) {
    const double inner = factor * (x[i] + 0.044715 * x[i] * x[i] * x[i]);
    // 0.5 * (1 + tanh(inner)), without cancellation for negative values
    y[i] = x[i] / (1.0 + std::exp(-2.0 * inner));
  }
}
