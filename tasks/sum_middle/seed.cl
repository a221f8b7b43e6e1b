// ksmith: const BLOCK = 64
// ksmith: launch sum_middle grid=(ceil_div(inner, BLOCK), outer) block=(BLOCK)

// y[outer, inner] = sum over middle of x[outer, middle, inner]
__kernel void sum_middle(__global const float* x, __global float* y, long outer, long middle,
                         long inner) {
  const long k = get_global_id(0);
  const long i = get_group_id(1);
  if (k >= inner) return;
  float sum = 0.0f;
  for (long j = 0; j < middle; ++j) {
    sum += x[(i * middle + j) * inner + k];
  }
  y[i * inner + k] = sum;
}
