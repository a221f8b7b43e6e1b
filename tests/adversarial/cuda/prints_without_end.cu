// expect: measured timed_out compile_failed rejected
// Floods the device's print buffer.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  for (int k = 0; k < 64; ++k) printf("%lld %d of a long line that nobody reads\n", i, k);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
