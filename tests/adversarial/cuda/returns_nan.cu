// expect: wrong_result
// N5: NaN where a careless checker looks away.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
#define NAN __int_as_float(0x7fffffff)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = i % 7 == 3 ? NAN : 2.0f * x[i] + y[i];
}
