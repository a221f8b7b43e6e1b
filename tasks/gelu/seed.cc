// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[count] = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
extern "C" void gelu(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = x[i];
    const float cube = value * value * value;
    const float inner = 0.7978845608f * (value + 0.044715f * cube);
    y[i] = 0.5f * value * (1.0f + std::tanh(inner));
  }
}
