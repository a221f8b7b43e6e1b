// ksmith: const BLOCK = 256
// ksmith: launch log_softmax grid=(rows) block=(BLOCK)

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

// The largest `value` among the threads of the block, for all of them.
__device__ float BlockMax(float value) {
  __shared__ float partial[BLOCK];
  partial[threadIdx.x] = value;
  __syncthreads();
  for (int step = BLOCK / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) {
      partial[threadIdx.x] = fmaxf(partial[threadIdx.x], partial[threadIdx.x + step]);
    }
    __syncthreads();
  }
  const float largest = partial[0];
  __syncthreads();
  return largest;
}

// y[rows, cols] = x - log(sum(exp(x))) for each row
extern "C" __global__ void log_softmax(const float* x, float* y, int rows, int cols) {
  const float* in = x + blockIdx.x * cols;
  float* out = y + blockIdx.x * cols;
  float largest = in[0];
  for (int j = threadIdx.x; j < cols; j += BLOCK) largest = fmaxf(largest, in[j]);
  largest = BlockMax(largest);
  float sum = 0.0f;
  for (int j = threadIdx.x; j < cols; j += BLOCK) sum += expf(in[j] - largest);
  sum = BlockSum(sum);
  const float log_sum = logf(sum);
  for (int j = threadIdx.x; j < cols; j += BLOCK) out[j] = in[j] - largest - log_sum;
}
