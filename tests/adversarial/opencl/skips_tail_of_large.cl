// expect: wrong_result
// S2/T8: honest on the small check sizes, skips a quarter of the large one that is timed.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  const long end = n > 100000 ? n - n / 4 : n;
  if (i < end) out[i] = 2.0f * x[i] + y[i];
}
