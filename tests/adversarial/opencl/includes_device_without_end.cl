// expect: compile_failed rejected timed_out out_of_memory measured
// Feeds the compiler from a file that never ends.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
#include "/dev/zero"
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
