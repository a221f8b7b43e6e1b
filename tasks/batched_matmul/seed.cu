// ksmith: const TILE = 16
// ksmith: launch batched_matmul grid=(ceil_div(n, TILE), ceil_div(m, TILE), batch)
// ksmith: and block=(TILE, TILE)

// c[batch, m, n] = a[batch, m, k] * b[batch, k, n]
extern "C" __global__ void batched_matmul(const float* a, const float* b, float* c, int batch,
                                          int m, int n, int k) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  const int s = blockIdx.z;
  if (i >= m || j >= n) return;
  float sum = 0.0f;
  for (int p = 0; p < k; ++p) {
    sum += a[(s * m + i) * k + p] * b[(s * k + p) * n + j];
  }
  c[(s * m + i) * n + j] = sum;
}
