// expect: launch_failed compile_failed
// F7: beyond the device's limits; never run, stale memory would be read.
// ksmith: const BLOCK = 65536
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
