// expect: timed_out
// T8: ends on check sizes, hangs when it is timed.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  volatile int go = n > 100000;
  while (go) {
  }
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
