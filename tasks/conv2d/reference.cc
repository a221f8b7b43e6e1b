#include <cstdint>

extern "C" void conv2d(const double* x, const double* weight, const double* bias, double* y,
                       int64_t batch, int64_t in_channels, int64_t out_channels, int64_t height,
                       int64_t width) {
  const int64_t out_height = height - 2;
  const int64_t out_width = width - 2;
  for (int64_t plane = 0; plane < batch * out_channels; ++plane) {
    const int64_t n = plane / out_channels;
    const int64_t oc = plane % out_channels;
    double* out = y + plane * out_height * out_width;
    for (int64_t i = 0; i < out_height * out_width; ++i) out[i] = bias[oc];
    for (int64_t tap = 0; tap < in_channels * 9; ++tap) {
      const int64_t ic = tap / 9;
      const int64_t kh = tap % 9 / 3;
      const int64_t kw = tap % 3;
      const double factor = weight[oc * in_channels * 9 + tap];
      const double* in = x + (n * in_channels + ic) * height * width + kh * width + kw;
      for (int64_t oh = 0; oh < out_height; ++oh) {
        for (int64_t ow = 0; ow < out_width; ++ow) {
          out[oh * out_width + ow] += factor * in[oh * width + ow];
        }
      }
    }
  }
}
