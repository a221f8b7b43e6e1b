// expect: wrong_result
// N5: NaN where a careless checker looks away.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = i % 7 == 3 ? NAN : 2.0f * x[i] + y[i];
}
