// ksmith: const BLOCK = 16
// ksmith: launch cumsum grid=(ceil_div(rows, BLOCK)) block=(BLOCK)

// y[rows, cols]: y[i, j] = x[i, 0] + ... + x[i, j]
__kernel void cumsum(__global const float* x, __global float* y, long rows, long cols) {
  const long i = get_global_id(0);
  if (i >= rows) return;
  float sum = 0.0f;
  for (long j = 0; j < cols; ++j) {
    sum += x[i * cols + j];
    y[i * cols + j] = sum;
  }
}
