// expect: out_of_bounds
// One element behind the output.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK) + 1) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i <= n) out[i] = i < n ? 2.0f * x[i] + y[i] : 1.0f;
}
