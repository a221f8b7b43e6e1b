// ksmith: const BLOCK = 256
// ksmith: launch sum_middle grid=(ceil_div(inner, BLOCK), outer) block=(BLOCK)

// y[outer, inner] = sum over middle of x[outer, middle, inner]
extern "C" __global__ void sum_middle(const float* x, float* y, int outer, int middle, int inner) {
  const int k = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  if (k >= inner) return;
  float sum = 0.0f;
  for (int j = 0; j < middle; ++j) {
    sum += x[(i * middle + j) * inner + k];
  }
  y[i * inner + k] = sum;
}
