// expect: compile_failed
// R12: OpenCL C 1.2 has no writable program-scope variables.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__global float kept[4096];
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = kept[i % 4096] = 2.0f * x[i] + y[i];
}
