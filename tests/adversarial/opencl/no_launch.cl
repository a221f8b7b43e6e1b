// expect: compile_failed
// No launch at all.
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
