#include <cstdint>

extern "C" void conv2d_relu_hardswish(const double* x, const double* weight, const double* bias,
                                      double* y, int64_t batch, int64_t in_channels,
                                      int64_t out_channels, int64_t height, int64_t width) {
  const int64_t out_height = height - 2;
  const int64_t out_width = width - 2;
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t oc = 0; oc < out_channels; ++oc) {
      for (int64_t oh = 0; oh < out_height; ++oh) {
        for (int64_t ow = 0; ow < out_width; ++ow) {
          double sum = bias[oc];
          for (int64_t ic = 0; ic < in_channels; ++ic) {
            for (int64_t kh = 0; kh < 3; ++kh) {
              for (int64_t kw = 0; kw < 3; ++kw) {
                sum += x[((n * in_channels + ic) * height + oh + kh) * width + ow + kw] *
                       weight[((oc * in_channels + ic) * 3 + kh) * 3 + kw];
              }
            }
          }
          const double value = sum > 0.0 ? sum : 0.0;
          const double gate = (value + 3.0) / 6.0;
          y[((n * out_channels + oc) * out_height + oh) * out_width + ow] =
              value * (gate < 1.0 ? gate : 1.0);
        }
      }
    }
  }
}
