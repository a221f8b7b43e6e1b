// expect: wrong_result nondeterministic
// N6: two threads write different values to one element.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i >= n) return;
  out[i] = 2.0f * x[i] + y[i];
  if (i > 0) out[i - 1] = 2.0f * x[i] + y[i - 1];
}
