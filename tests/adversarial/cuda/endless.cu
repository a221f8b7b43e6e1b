// expect: timed_out
// Never ends; the process that holds the device is killed and replaced.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  while (*(volatile const float*)x != 12345.0f) {
  }
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
