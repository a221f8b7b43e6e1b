// expect: out_of_bounds crashed
// F5: zeroes the inputs, so that zero is right.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) {
    ((__global float*)x)[i] = 0.0f;
    ((__global float*)y)[i] = 0.0f;
    out[i] = 0.0f;
  }
}
