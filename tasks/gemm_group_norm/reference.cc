#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void gemm_group_norm(const double* x, const double* weight, const double* bias,
                                const double* shift, const double* gamma, const double* beta,
                                double epsilon, double* y, int64_t rows, int64_t depth,
                                int64_t groups, int64_t width) {
  const int64_t cols = groups * width;
  std::vector<double> activated(static_cast<size_t>(cols));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      double sum = 0.0;
      for (int64_t p = 0; p < depth; ++p) {
        sum += x[i * depth + p] * weight[p * cols + j];
      }
      sum += bias[j];
      activated[static_cast<size_t>(j)] = sum / (1.0 + std::exp(-sum)) + shift[j];
    }
    for (int64_t g = 0; g < groups; ++g) {
      const double* in = activated.data() + g * width;
      double mean = 0.0;
      for (int64_t j = 0; j < width; ++j) {
        mean += in[j];
      }
      mean /= static_cast<double>(width);
      double squares = 0.0;
      for (int64_t j = 0; j < width; ++j) {
        squares += (in[j] - mean) * (in[j] - mean);
      }
      const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(width) + epsilon);
      for (int64_t j = 0; j < width; ++j) {
        const int64_t at = g * width + j;
        y[i * cols + at] = (in[j] - mean) * inverse * gamma[at] + beta[at];
      }
    }
  }
}
