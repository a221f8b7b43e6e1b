// expect: crashed timed_out launch_failed out_of_memory
// Overflows the device stack.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__device__ __noinline__ float down(const float* x, long long i, int k) {
  volatile float a[64];
  a[k % 64] = x[i];
  return k < 0 ? a[0] : down(x, i, k + 1) + a[(k + 1) % 64];
}
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = down(x, i, 0) + y[i];
}
