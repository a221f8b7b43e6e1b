#include <cstdint>

extern "C" void spmv(const int32_t* row_ptr, const int32_t* col_idx, const double* values,
                     const double* x, double* y, int64_t rows, int64_t /*cols*/, int64_t /*nnz*/) {
  for (int64_t i = 0; i < rows; ++i) {
    double sum = 0.0;
    for (int64_t j = row_ptr[i]; j < row_ptr[i + 1]; ++j) sum += values[j] * x[col_idx[j]];
    y[i] = sum;
  }
}
