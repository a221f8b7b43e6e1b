// expect: wrong_result
// N1: drops 13 mantissa bits in an f32 contract.
#include <cstdint>
#include <cstring>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    float v = 2.0f * x[i] + y[i];
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    bits &= 0xFFFFE000u;
    std::memcpy(&v, &bits, 4);
    out[i] = v;
  }
}
