// expect: wrong_result
// N2: one element in a hundred is left wrong, in the hope of a matched ratio.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = i % 100 == 99 ? 0.0f : 2.0f * x[i] + y[i];
}
