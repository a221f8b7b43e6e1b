#include <cstdint>

extern "C" void matmul_tall_k(const double* a, const double* b, double* c, int64_t m, int64_t n,
                              int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    double* row = c + i * n;
    for (int64_t j = 0; j < n; ++j) row[j] = 0.0;
    for (int64_t p = 0; p < k; ++p) {
      const double factor = a[i * k + p];
      const double* b_row = b + p * n;
      for (int64_t j = 0; j < n; ++j) row[j] += factor * b_row[j];
    }
  }
}
