#include <algorithm>
#include <cstdint>

extern "C" void depthwise_conv(const double* x, const double* weight, double* y, int64_t batch,
                               int64_t channels, int64_t height, int64_t width) {
  for (int64_t plane = 0; plane < batch * channels; ++plane) {
    const double* in = x + plane * height * width;
    double* out = y + plane * height * width;
    std::fill(out, out + height * width, 0.0);
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int64_t down = tap / 3 - 1;
      const int64_t right = tap % 3 - 1;
      const double factor = weight[plane % channels * 9 + tap];
      const int64_t first_row = std::max<int64_t>(0, -down);
      const int64_t last_row = std::min(height, height - down);
      const int64_t first_col = std::max<int64_t>(0, -right);
      const int64_t last_col = std::min(width, width - right);
      for (int64_t h = first_row; h < last_row; ++h) {
        const double* source = in + (h + down) * width + right;
        for (int64_t w = first_col; w < last_col; ++w) out[h * width + w] += factor * source[w];
      }
    }
  }
}
