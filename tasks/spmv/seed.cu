// ksmith: const BLOCK = 128
// ksmith: launch spmv grid=(ceil_div(rows, BLOCK)) block=(BLOCK)

// y[rows] = a * x[cols], where row i of a holds values[row_ptr[i]] to values[row_ptr[i + 1] - 1] in
// the columns col_idx
extern "C" __global__ void spmv(const int* row_ptr, const int* col_idx, const float* values,
                                const float* x, float* y, int rows, int cols, int nnz) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows) return;
  float sum = 0.0f;
  for (int j = row_ptr[i]; j < row_ptr[i + 1]; ++j) {
    sum += values[j] * x[col_idx[j]];
  }
  y[i] = sum;
}
