#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void attention(const double* q, const double* k, const double* v, double* y,
                          int64_t heads, int64_t length, int64_t dim) {
  std::vector<double> weights(static_cast<size_t>(length));
  for (int64_t row = 0; row < heads * length; ++row) {
    const int64_t first = row / length * length;
    double largest = -HUGE_VAL;
    for (int64_t j = first; j <= row; ++j) {
      double product = 0.0;
      for (int64_t d = 0; d < dim; ++d) product += q[row * dim + d] * k[j * dim + d];
      product /= std::sqrt(static_cast<double>(dim));
      weights[static_cast<size_t>(j - first)] = product;
      largest = std::max(largest, product);
    }
    double* out = y + row * dim;
    std::fill(out, out + dim, 0.0);
    double total = 0.0;
    for (int64_t j = first; j <= row; ++j) {
      const double weight = std::exp(weights[static_cast<size_t>(j - first)] - largest);
      total += weight;
      for (int64_t d = 0; d < dim; ++d) out[d] += weight * v[j * dim + d];
    }
    for (int64_t d = 0; d < dim; ++d) out[d] /= total;
  }
}
