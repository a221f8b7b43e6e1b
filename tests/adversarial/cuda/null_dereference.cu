// expect: crashed
// An address that is nobody's.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) ((float*)((n >> 62) + 64))[i] = x[i] + y[i];
}
