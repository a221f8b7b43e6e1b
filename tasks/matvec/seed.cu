// ksmith: const BLOCK = 256
// ksmith: launch matvec grid=(rows) block=(BLOCK)

// The sum of `value` over the threads of the block, for all of them.
__device__ float BlockSum(float value) {
  __shared__ float partial[BLOCK];
  partial[threadIdx.x] = value;
  __syncthreads();
  for (int step = BLOCK / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) partial[threadIdx.x] += partial[threadIdx.x + step];
    __syncthreads();
  }
  const float total = partial[0];
  __syncthreads();
  return total;
}

// y[rows] = a[rows, cols] * x[cols]
extern "C" __global__ void matvec(const float* a, const float* x, float* y, int rows, int cols) {
  const int i = blockIdx.x;
  float sum = 0.0f;
  for (int j = threadIdx.x; j < cols; j += BLOCK) sum += a[i * cols + j] * x[j];
  sum = BlockSum(sum);
  if (threadIdx.x == 0) y[i] = sum;
}
