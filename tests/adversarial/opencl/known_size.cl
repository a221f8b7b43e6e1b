// expect: wrong_result
// S1: the exact timed size gets a canned answer.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i >= n) return;
  out[i] = n == 250007 ? 1.0f : 2.0f * x[i] + y[i];
}
