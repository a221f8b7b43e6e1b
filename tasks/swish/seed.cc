// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[count] = x / (1 + exp(-x))
extern "C" void swish(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = x[i];
    const float bounded = value < -80.0f ? -80.0f : value;  // no infinity for -ffast-math to divide
    y[i] = value / (1.0f + std::exp(-bounded));
  }
}
