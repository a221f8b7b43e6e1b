// expect: wrong_result
// N1: drops 13 mantissa bits in an f32 contract.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
#define __int_as_float as_float
#define __float_as_int as_int
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = __int_as_float(__float_as_int(2.0f * x[i] + y[i]) & 0xFFFFE000);
}
