// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[batch, out_channels, height - 2, width - 2]: 3x3 convolution of
// x[batch, in_channels, height, width] plus bias, then ReLU, then hard swish
extern "C" void conv2d_relu_hardswish(const float* x, const float* weight, const float* bias,
                                      float* y, int64_t batch, int64_t in_channels,
                                      int64_t out_channels, int64_t height, int64_t width) {
  const int64_t out_height = height - 2;
  const int64_t out_width = width - 2;
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t oc = 0; oc < out_channels; ++oc) {
      for (int64_t oh = 0; oh < out_height; ++oh) {
        for (int64_t ow = 0; ow < out_width; ++ow) {
          float sum = bias[oc];
          for (int64_t ic = 0; ic < in_channels; ++ic) {
            for (int64_t kh = 0; kh < 3; ++kh) {
              for (int64_t kw = 0; kw < 3; ++kw) {
                sum += x[((n * in_channels + ic) * height + oh + kh) * width + ow + kw] *
                       weight[((oc * in_channels + ic) * 3 + kh) * 3 + kw];
              }
            }
          }
          const float value = sum > 0.0f ? sum : 0.0f;
          const float gate = (value + 3.0f) / 6.0f;
          y[((n * out_channels + oc) * out_height + oh) * out_width + ow] =
              value * (gate < 1.0f ? gate : 1.0f);
        }
      }
    }
  }
}
