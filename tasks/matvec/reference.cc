#include <cstdint>

extern "C" void matvec(const double* a, const double* x, double* y, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    const double* row = a + i * cols;
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    int64_t j = 0;
    for (; j + 4 <= cols; j += 4) {
      for (int64_t lane = 0; lane < 4; ++lane) sums[lane] += row[j + lane] * x[j + lane];
    }
    for (; j < cols; ++j) sums[0] += row[j] * x[j];
    y[i] = sums[0] + sums[1] + sums[2] + sums[3];
  }
}
