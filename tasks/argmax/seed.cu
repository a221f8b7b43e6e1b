// ksmith: const BLOCK = 256
// ksmith: launch argmax grid=(ceil_div(inner, BLOCK), outer) block=(BLOCK)

// y[outer, inner] = index along middle of the largest x[outer, middle, inner], the first of equals
extern "C" __global__ void argmax(const float* x, int* y, int outer, int middle, int inner) {
  const int k = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  if (k >= inner) return;
  float best = x[i * middle * inner + k];
  int best_index = 0;
  for (int j = 1; j < middle; ++j) {
    const float value = x[(i * middle + j) * inner + k];
    if (value > best) {
      best = value;
      best_index = j;
    }
  }
  y[i * inner + k] = best_index;
}
