// expect: wrong_result nondeterministic
// N6: two threads write different values to one element.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = 2.0f * x[i] + y[i];
  if (i > 0) out[i - 1] = 2.0f * x[i] + y[i - 1];
}
