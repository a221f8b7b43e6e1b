// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// y[rows] = a * x[cols], where row i of a holds values[row_ptr[i]] to values[row_ptr[i + 1] - 1] in
// the columns col_idx
extern "C" void spmv(const int32_t* row_ptr, const int32_t* col_idx, const float* values,
                     const float* x, float* y, int64_t rows, int64_t cols, int64_t nnz) {
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.0f;
    for (int64_t j = row_ptr[i]; j < row_ptr[i + 1]; ++j) {
      sum += values[j] * x[col_idx[j]];
    }
    y[i] = sum;
  }
}
