// ksmith: compiler g++
// ksmith: flags -O2
#include <cmath>
#include <cstdint>
#include <vector>

// y[heads, length, dim]: row i attends to the rows 0..i of k and v
extern "C" void attention(const float* q, const float* k, const float* v, float* y, int64_t heads,
                          int64_t length, int64_t dim) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  std::vector<float> scores(length);
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < length; ++i) {
      float largest = -INFINITY;
      for (int64_t j = 0; j <= i; ++j) {
        float sum = 0.0f;
        for (int64_t d = 0; d < dim; ++d) {
          sum += q[(h * length + i) * dim + d] * k[(h * length + j) * dim + d];
        }
        scores[j] = sum * scale;
        if (scores[j] > largest) largest = scores[j];
      }
      float total = 0.0f;
      for (int64_t j = 0; j <= i; ++j) {
        scores[j] = std::exp(scores[j] - largest);
        total += scores[j];
      }
      for (int64_t d = 0; d < dim; ++d) {
        float sum = 0.0f;
        for (int64_t j = 0; j <= i; ++j) {
          sum += scores[j] * v[(h * length + j) * dim + d];
        }
        y[(h * length + i) * dim + d] = sum / total;
      }
    }
  }
}
