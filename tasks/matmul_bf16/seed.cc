// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>
#include <cstring>

// A bf16 number is the upper half of a float.
static float ToFloat(uint16_t bits) {
  const uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

// To nearest, ties to even.
static uint16_t ToBf16(float value) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  return static_cast<uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
}

// c[m, n] = a[m, k] * b[k, n], all bf16; sums in f32
extern "C" void matmul_bf16(const uint16_t* a, const uint16_t* b, uint16_t* c, int64_t m, int64_t n,
                            int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0.0f;
      for (int64_t p = 0; p < k; ++p) {
        sum += ToFloat(a[i * k + p]) * ToFloat(b[p * n + j]);
      }
      c[i * n + j] = ToBf16(sum);
    }
  }
}
