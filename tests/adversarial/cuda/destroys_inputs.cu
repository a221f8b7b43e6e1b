// expect: out_of_bounds
// F5: zeroes the inputs, so that zero is right.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) {
    ((float*)x)[i] = 0.0f;
    ((float*)y)[i] = 0.0f;
    out[i] = 0.0f;
  }
}
