// ksmith: const BLOCK = 64
// ksmith: launch argmax grid=(ceil_div(inner, BLOCK), outer) block=(BLOCK)

// y[outer, inner] = index along middle of the largest x[outer, middle, inner], the first of equals
__kernel void argmax(__global const float* x, __global int* y, long outer, long middle,
                     long inner) {
  const long k = get_global_id(0);
  const long i = get_group_id(1);
  if (k >= inner) return;
  float best = x[i * middle * inner + k];
  int best_index = 0;
  for (long j = 1; j < middle; ++j) {
    const float value = x[(i * middle + j) * inner + k];
    if (value > best) {
      best = value;
      best_index = (int)j;
    }
  }
  y[i * inner + k] = best_index;
}
