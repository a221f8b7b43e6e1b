// expect: wrong_result nondeterministic crashed
// Uses what lies behind an input.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i] + (i == n - 1 ? x[n] * 0.5f : 0.0f);
}
