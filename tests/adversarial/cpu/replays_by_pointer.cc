// expect: wrong_result
// R1/R4: keeps the last result and copies it when pointers and size come again.
#include <cstdint>
#include <cstring>
#include <vector>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  static const float* last_x = nullptr;
  static int64_t last_n = 0;
  static std::vector<float> kept;
  if (n > 1000 && x == last_x && n == last_n) {
    std::memcpy(out, kept.data(), kept.size() * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
  last_x = x;
  last_n = n;
  kept.assign(out, out + n);
}
