// ksmith: const BLOCK = 256
// ksmith: launch swish grid=(ceil_div(count, BLOCK)) block=(BLOCK)

// y[count] = x / (1 + exp(-x))
extern "C" __global__ void swish(const float* x, float* y, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const float value = x[i];
  y[i] = value / (1.0f + expf(-value));
}
