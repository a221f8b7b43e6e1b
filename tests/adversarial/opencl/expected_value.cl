// expect: wrong_result
// F3: the expectation of the output instead of the output.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = x[i] > y[i] ? 0.5f : -0.5f;
}
