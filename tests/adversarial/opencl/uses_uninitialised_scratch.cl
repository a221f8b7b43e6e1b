// expect: wrong_result nondeterministic
// F9: adds what it never wrote.
// ksmith: const BLOCK = 128
// ksmith: scratch kept f32 [n]
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, kept, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        __global float* kept, long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i] + 0.0f * kept[i];
}
