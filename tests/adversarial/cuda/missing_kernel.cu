// expect: compile_failed launch_failed
// The plan names a kernel that is not there.
// ksmith: const BLOCK = 128
// ksmith: launch scale_ad grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
