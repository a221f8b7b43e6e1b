// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>
#include <vector>

// y[rows, cols] = x[rows, depth] * weight[depth, cols] + bias[cols]
static void Linear(const float* x, const float* weight, const float* bias, float* y, int64_t rows,
                   int64_t cols, int64_t depth) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      float sum = 0.0f;
      for (int64_t p = 0; p < depth; ++p) {
        sum += x[i * depth + p] * weight[p * cols + j];
      }
      y[i * cols + j] = sum + bias[j];
    }
  }
}

// y[batch, length, heads * dim]: x projected to q, k and v, row i of each head attends to the rows
// 0..i, the heads side by side projected once more
extern "C" void attention_block(const float* x, const float* w_qkv, const float* b_qkv,
                                const float* w_out, const float* b_out, float* y, int64_t batch,
                                int64_t length, int64_t heads, int64_t dim) {
  const int64_t width = heads * dim;
  std::vector<float> qkv(static_cast<size_t>(batch * length * 3 * width));
  std::vector<float> mixed(static_cast<size_t>(batch * length * width));
  std::vector<float> scores(static_cast<size_t>(length));
  Linear(x, w_qkv, b_qkv, qkv.data(), batch * length, 3 * width, width);
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < length; ++i) {
        const float* q = qkv.data() + (n * length + i) * 3 * width + h * dim;
        float largest = -INFINITY;
        for (int64_t j = 0; j <= i; ++j) {
          const float* k = qkv.data() + (n * length + j) * 3 * width + width + h * dim;
          float sum = 0.0f;
          for (int64_t d = 0; d < dim; ++d) {
            sum += q[d] * k[d];
          }
          float& score = scores[static_cast<size_t>(j)];
          score = sum / std::sqrt(static_cast<float>(dim));
          if (score > largest) largest = score;
        }
        float total = 0.0f;
        for (int64_t j = 0; j <= i; ++j) {
          float& score = scores[static_cast<size_t>(j)];
          score = std::exp(score - largest);
          total += score;
        }
        for (int64_t d = 0; d < dim; ++d) {
          float sum = 0.0f;
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
