// ksmith: const TILE = 16
// ksmith: launch matmul_outer grid=(ceil_div(n, TILE), ceil_div(m, TILE)) block=(TILE, TILE)

// c[m, n] = a[m, k] * b[k, n] with a short k
extern "C" __global__ void matmul_outer(const float* a, const float* b, float* c, int m, int n,
                                        int k) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= m || j >= n) return;
  float sum = 0.0f;
  for (int p = 0; p < k; ++p) {
    sum += a[i * k + p] * b[p * n + j];
  }
  c[i * n + j] = sum;
}
