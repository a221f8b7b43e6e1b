// expect: compile_failed timed_out out_of_memory rejected wrong_result measured launch_failed
// A loop that is unrolled without measure.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  float s = 0;
#pragma unroll
  for (int a = 0; a < 20000; ++a) {
#pragma unroll
    for (int b = 0; b < 64; ++b) s += x[(i + a * b) % n] * 1e-30f;
  }
  if (i < n) out[i] = 2.0f * x[i] + y[i] + s;
}
