#include <cmath>
#include <cstdint>

extern "C" void swish(const double* x, double* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] / (1.0 + std::exp(-x[i]));
}
