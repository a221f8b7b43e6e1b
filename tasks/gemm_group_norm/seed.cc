// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>
#include <vector>

// y[rows, groups * width]: swish(x * weight + bias) + shift, each group of `width` neighbours in a
// row normalised, scaled by gamma and shifted by beta
extern "C" void gemm_group_norm(const float* x, const float* weight, const float* bias,
                                const float* shift, const float* gamma, const float* beta,
                                float epsilon, float* y, int64_t rows, int64_t depth,
                                int64_t groups, int64_t width) {
  const int64_t cols = groups * width;
  std::vector<float> activated(static_cast<size_t>(cols));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      float sum = 0.0f;
      for (int64_t p = 0; p < depth; ++p) {
        sum += x[i * depth + p] * weight[p * cols + j];
      }
      sum += bias[j];
      activated[static_cast<size_t>(j)] = sum / (1.0f + std::exp(-sum)) + shift[j];
    }
    for (int64_t g = 0; g < groups; ++g) {
      const float* in = activated.data() + g * width;
      float mean = 0.0f;
      for (int64_t j = 0; j < width; ++j) {
        mean += in[j];
      }
      mean /= static_cast<float>(width);
      float squares = 0.0f;
      for (int64_t j = 0; j < width; ++j) {
        squares += (in[j] - mean) * (in[j] - mean);
      }
      const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
      for (int64_t j = 0; j < width; ++j) {
        const int64_t at = g * width + j;
        y[i * cols + at] = (in[j] - mean) * inverse * gamma[at] + beta[at];
      }
    }
  }
}
