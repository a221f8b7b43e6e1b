// expect: measured crashed wrong_result
// R7: looks for the expected output behind its own buffers; it never lies on the device before.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float want = 2.0f * x[0] + y[0];
  for (int k = 1; k < 8; ++k) {
    const float* p = out + k * (1 << 19);
    if (n > 100000 && p[0] == want) {
      out[i] = p[i];
      return;
    }
  }
  out[i] = 2.0f * x[i] + y[i];
}
