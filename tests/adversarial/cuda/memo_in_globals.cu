// expect: rejected
// R12: a module global keeps the last result and a fingerprint of the inputs.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__device__ float kept[1 << 20];
__device__ float seen;
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= n) return;
  if (seen == x[n / 2] && n > 100000) {
    out[i] = kept[i];
    return;
  }
  out[i] = 2.0f * x[i] + y[i];
  if (n <= (1 << 20)) kept[i] = out[i];
  if (i == 0) seen = x[n / 2];
}
