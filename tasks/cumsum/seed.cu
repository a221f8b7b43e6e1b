// ksmith: const BLOCK = 64
// ksmith: launch cumsum grid=(ceil_div(rows, BLOCK)) block=(BLOCK)

// y[rows, cols]: y[i, j] = x[i, 0] + ... + x[i, j]
extern "C" __global__ void cumsum(const float* x, float* y, int rows, int cols) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows) return;
  float sum = 0.0f;
  for (int j = 0; j < cols; ++j) {
    sum += x[i * cols + j];
    y[i * cols + j] = sum;
  }
}
