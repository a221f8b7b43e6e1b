// expect: wrong_result
// N1: drops 13 mantissa bits in an f32 contract.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = __int_as_float(__float_as_int(2.0f * x[i] + y[i]) & 0xFFFFE000);
}
