// ksmith: const BLOCK = 256
// ksmith: launch layer_norm grid=(rows) block=(BLOCK)

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

// y[rows, cols] = (x - mean(row)) / sqrt(variance(row) + epsilon) * gamma + beta
extern "C" __global__ void layer_norm(const float* x, const float* gamma, const float* beta,
                                      float epsilon, float* y, int rows, int cols) {
  const float* in = x + blockIdx.x * cols;
  float* out = y + blockIdx.x * cols;
  float sum = 0.0f;
  for (int j = threadIdx.x; j < cols; j += BLOCK) sum += in[j];
  const float mean = BlockSum(sum) / static_cast<float>(cols);
  float squares = 0.0f;
  for (int j = threadIdx.x; j < cols; j += BLOCK) squares += (in[j] - mean) * (in[j] - mean);
  const float inverse = 1.0f / sqrtf(BlockSum(squares) / static_cast<float>(cols) + epsilon);
  for (int j = threadIdx.x; j < cols; j += BLOCK) {
    out[j] = (in[j] - mean) * inverse * gamma[j] + beta[j];
  }
}
