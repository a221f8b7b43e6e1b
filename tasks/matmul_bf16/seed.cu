// ksmith: const TILE = 16
// ksmith: launch matmul_bf16 grid=(ceil_div(n, TILE), ceil_div(m, TILE)) block=(TILE, TILE)
#include <cuda_bf16.h>

// c[m, n] = a[m, k] * b[k, n], all bf16; sums in f32
extern "C" __global__ void matmul_bf16(const __nv_bfloat16* a, const __nv_bfloat16* b,
                                       __nv_bfloat16* c, int m, int n, int k) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= m || j >= n) return;
  float sum = 0.0f;
  for (int p = 0; p < k; ++p) {
    sum += __bfloat162float(a[i * k + p]) * __bfloat162float(b[p * n + j]);
  }
  c[i * n + j] = __float2bfloat16(sum);
}
