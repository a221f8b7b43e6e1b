// ksmith: const BLOCK = 256
// ksmith: launch cross_entropy grid=(rows) block=(BLOCK)

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

// loss[rows] = log(sum(exp(logits[row]))) - logits[row, labels[row]]
extern "C" __global__ void cross_entropy(const float* logits, const long long* labels, float* loss,
                                         int rows, int classes) {
  const int i = blockIdx.x;
  const float* row = logits + i * classes;
  float largest = row[0];
  for (int j = threadIdx.x; j < classes; j += BLOCK) largest = fmaxf(largest, row[j]);
  largest = BlockMax(largest);
  float sum = 0.0f;
  for (int j = threadIdx.x; j < classes; j += BLOCK) sum += expf(row[j] - largest);
  sum = BlockSum(sum);
  if (threadIdx.x == 0) loss[i] = logf(sum) - (row[labels[i]] - largest);
}
