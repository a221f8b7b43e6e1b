// expect: out_of_memory launch_failed compile_failed
// A tebibyte of scratch.
// ksmith: const BLOCK = 128
// ksmith: scratch kept f32 [1024*1024*1024*256]
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, kept, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        __global float* kept, long n) {
  const long i = get_global_id(0);
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
