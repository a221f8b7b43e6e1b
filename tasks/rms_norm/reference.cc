#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void rms_norm(const double* x, double epsilon, double* y, int64_t batch,
                         int64_t channels, int64_t spatial) {
  std::vector<double> scale(static_cast<size_t>(spatial));
  for (int64_t n = 0; n < batch; ++n) {
    const double* in = x + n * channels * spatial;
    double* out = y + n * channels * spatial;
    scale.assign(static_cast<size_t>(spatial), 0.0);
    double* sums = scale.data();
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t s = 0; s < spatial; ++s) sums[s] += in[c * spatial + s] * in[c * spatial + s];
    }
    for (int64_t s = 0; s < spatial; ++s) {
      sums[s] = 1.0 / std::sqrt(sums[s] / static_cast<double>(channels) + epsilon);
    }
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t s = 0; s < spatial; ++s) out[c * spatial + s] = in[c * spatial + s] * sums[s];
    }
  }
}
