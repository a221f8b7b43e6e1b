// ksmith: const TILE = 8
// ksmith: launch matmul grid=(ceil_div(n, TILE), ceil_div(m, TILE)) block=(TILE, TILE)

// c[m, n] = a[m, k] * b[k, n]
__kernel void matmul(__global const float* a, __global const float* b, __global float* c, long m,
                     long n, long k) {
  const long j = get_global_id(0);
  const long i = get_global_id(1);
  if (i >= m || j >= n) return;
  float sum = 0.0f;
  for (long p = 0; p < k; ++p) {
    sum += a[i * k + p] * b[p * n + j];
  }
  c[i * n + j] = sum;
}
