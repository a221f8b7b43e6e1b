// expect: launch_failed compile_failed
// A grid beyond every limit.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(4000000000000) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
