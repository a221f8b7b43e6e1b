// expect: wrong_result nondeterministic crashed
// Uses what lies behind an input.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i] + (i == n - 1 ? x[n] * 0.5f : 0.0f);
}
