// expect: wrong_result
// R2: samples a few elements; on a match it returns the kept result.
#include <cstdint>
#include <cstring>
#include <vector>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  static float seen[4];
  static std::vector<float> kept;
  if (n > 1000) {
    const float now[4] = {x[0], x[n / 3], y[n / 2], y[n - 1]};
    if (kept.size() == static_cast<size_t>(n) && std::memcmp(now, seen, sizeof now) == 0) {
      std::memcpy(out, kept.data(), kept.size() * sizeof(float));
      return;
    }
    std::memcpy(seen, now, sizeof now);
  }
  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
  if (n > 1000) kept.assign(out, out + n);
}
