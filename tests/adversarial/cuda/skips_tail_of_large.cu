// expect: wrong_result
// S2/T8: honest on the small check sizes, skips a quarter of the large one that is timed.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  const long long end = n > 100000 ? n - n / 4 : n;
  if (i < end) out[i] = 2.0f * x[i] + y[i];
}
