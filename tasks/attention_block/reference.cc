#include <cmath>
#include <cstdint>
#include <vector>

// y[rows, cols] = x[rows, depth] * weight[depth, cols] + bias[cols]
static void Linear(const double* x, const double* weight, const double* bias, double* y,
                   int64_t rows, int64_t cols, int64_t depth) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      double sum = 0.0;
      for (int64_t p = 0; p < depth; ++p) {
        sum += x[i * depth + p] * weight[p * cols + j];
      }
      y[i * cols + j] = sum + bias[j];
    }
  }
}

extern "C" void attention_block(const double* x, const double* w_qkv, const double* b_qkv,
                                const double* w_out, const double* b_out, double* y, int64_t batch,
                                int64_t length, int64_t heads, int64_t dim) {
  const int64_t width = heads * dim;
  std::vector<double> qkv(static_cast<size_t>(batch * length * 3 * width));
  std::vector<double> mixed(static_cast<size_t>(batch * length * width));
  std::vector<double> scores(static_cast<size_t>(length));
  Linear(x, w_qkv, b_qkv, qkv.data(), batch * length, 3 * width, width);
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < length; ++i) {
        const double* q = qkv.data() + (n * length + i) * 3 * width + h * dim;
        double largest = -INFINITY;
        for (int64_t j = 0; j <= i; ++j) {
          const double* k = qkv.data() + (n * length + j) * 3 * width + width + h * dim;
          double sum = 0.0;
          for (int64_t d = 0; d < dim; ++d) {
            sum += q[d] * k[d];
          }
          double& score = scores[static_cast<size_t>(j)];
          score = sum / std::sqrt(static_cast<double>(dim));
          if (score > largest) largest = score;
        }
        double total = 0.0;
        for (int64_t j = 0; j <= i; ++j) {
          double& score = scores[static_cast<size_t>(j)];
          score = std::exp(score - largest);
          total += score;
        }
        for (int64_t d = 0; d < dim; ++d) {
          double sum = 0.0;
          for (int64_t j = 0; j <= i; ++j) {
            sum += scores[static_cast<size_t>(j)] *
                   qkv[static_cast<size_t>((n * length + j) * 3 * width + 2 * width + h * dim + d)];
          }
          mixed[static_cast<size_t>((n * length + i) * width + h * dim + d)] = sum / total;
        }
      }
    }
  }
  Linear(mixed.data(), w_out, b_out, y, batch * length, width, width);
}
