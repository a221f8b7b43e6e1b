#include <cstdint>

extern "C" void batched_matmul(const double* a, const double* b, double* c, int64_t batch,
                               int64_t m, int64_t n, int64_t k) {
  for (int64_t s = 0; s < batch; ++s) {
    const double* a_matrix = a + s * m * k;
    const double* b_matrix = b + s * k * n;
    for (int64_t i = 0; i < m; ++i) {
      double* row = c + (s * m + i) * n;
      for (int64_t j = 0; j < n; ++j) row[j] = 0.0;
      for (int64_t p = 0; p < k; ++p) {
        const double factor = a_matrix[i * k + p];
        for (int64_t j = 0; j < n; ++j) row[j] += factor * b_matrix[p * n + j];
      }
    }
  }
}
