// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>

// y[batch, channels, spatial] = x / sqrt(mean over channels of x^2 + epsilon)
extern "C" void rms_norm(const float* x, float epsilon, float* y, int64_t batch, int64_t channels,
                         int64_t spatial) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t s = 0; s < spatial; ++s) {
      float squares = 0.0f;
      for (int64_t c = 0; c < channels; ++c) {
        const float value = x[(n * channels + c) * spatial + s];
        squares += value * value;
      }
      const float rms = std::sqrt(squares / static_cast<float>(channels) + epsilon);
      for (int64_t c = 0; c < channels; ++c) {
        y[(n * channels + c) * spatial + s] = x[(n * channels + c) * spatial + s] / rms;
      }
    }
  }
}
