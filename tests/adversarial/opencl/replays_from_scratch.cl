// expect: measured
// R2/R12: keeps the last result in scratch; scratch is poisoned before every call, so it always computes.
// ksmith: const BLOCK = 128
// ksmith: scratch kept f32 [n]
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, kept, n)
__kernel void scale_add(__global const float* x, __global const float* y, __global float* out,
                        __global float* kept, long n) {
  const long i = get_global_id(0);
  if (i >= n) return;
  if (kept[i] == kept[i] && n > 100000) {
    out[i] = kept[i];
  } else {
    out[i] = kept[i] = 2.0f * x[i] + y[i];
  }
}
