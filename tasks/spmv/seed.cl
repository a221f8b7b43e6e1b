// ksmith: const BLOCK = 16
// ksmith: launch spmv grid=(ceil_div(rows, BLOCK)) block=(BLOCK)

// y[rows] = a * x[cols], where row i of a holds values[row_ptr[i]] to values[row_ptr[i + 1] - 1] in
// the columns col_idx
__kernel void spmv(__global const int* row_ptr, __global const int* col_idx,
                   __global const float* values, __global const float* x, __global float* y,
                   long rows, long cols, long nnz) {
  const long i = get_global_id(0);
  if (i >= rows) return;
  float sum = 0.0f;
  for (int j = row_ptr[i]; j < row_ptr[i + 1]; ++j) {
    sum += values[j] * x[col_idx[j]];
  }
  y[i] = sum;
}
