// expect: rejected compile_failed
// T10: leaves the work to a child kernel that runs on after the end event.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__global__ void child(const float* x, const float* y, float* out, long long n) {
  for (long long i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
}
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i == 0) child<<<1, 1>>>(x, y, out, n);
}
