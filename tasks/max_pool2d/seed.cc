// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[planes, height - 1, width - 1]: largest of each 4x4 window of x, moved by one element, with one
// element of padding around the plane that never wins
extern "C" void max_pool2d(const float* x, float* y, int64_t planes, int64_t height,
                           int64_t width) {
  const int64_t out_height = height - 1;
  const int64_t out_width = width - 1;
  for (int64_t n = 0; n < planes; ++n) {
    for (int64_t oh = 0; oh < out_height; ++oh) {
      for (int64_t ow = 0; ow < out_width; ++ow) {
        float largest = x[(n * height + oh) * width + ow];
        for (int64_t kh = -1; kh < 3; ++kh) {
          for (int64_t kw = -1; kw < 3; ++kw) {
            const int64_t ih = oh + kh;
            const int64_t iw = ow + kw;
            if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
              const float value = x[(n * height + ih) * width + iw];
              if (value > largest) largest = value;
            }
          }
        }
        y[(n * out_height + oh) * out_width + ow] = largest;
      }
    }
  }
}
