// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[batch, channels, height, width]: each channel of x convolved with its own 3x3 filter; outside
// of the image x counts as zero.
extern "C" void depthwise_conv(const float* x, const float* weight, float* y, int64_t batch,
                               int64_t channels, int64_t height, int64_t width) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t h = 0; h < height; ++h) {
        for (int64_t w = 0; w < width; ++w) {
          float sum = 0.0f;
          for (int64_t kh = 0; kh < 3; ++kh) {
            for (int64_t kw = 0; kw < 3; ++kw) {
              const int64_t ih = h + kh - 1;
              const int64_t iw = w + kw - 1;
              if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
                sum += x[((n * channels + c) * height + ih) * width + iw] *
                       weight[(c * 3 + kh) * 3 + kw];
              }
            }
          }
          y[((n * channels + c) * height + h) * width + w] = sum;
        }
      }
    }
  }
}
