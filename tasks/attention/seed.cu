// ksmith: const BLOCK = 128
// ksmith: scratch weights f32 [heads, length, length]
// ksmith: launch scores grid=(ceil_div(length, BLOCK), length, heads) block=(BLOCK)
// ksmith: and args=(q, k, weights, heads, length, dim)
// ksmith: launch normalise grid=(length, heads) block=(BLOCK) args=(weights, heads, length)
// ksmith: launch combine grid=(ceil_div(dim, BLOCK), length, heads) block=(BLOCK)
// ksmith: and args=(weights, v, y, heads, length, dim)

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

// weights[heads, i, j] = q[i] * k[j] / sqrt(dim)
extern "C" __global__ void scores(const float* q, const float* k, float* weights, int heads,
                                  int length, int dim) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  const int h = blockIdx.z;
  if (i >= length || j >= length) return;
  float sum = 0.0f;
  for (int d = 0; d < dim; ++d) {
    sum += q[(h * length + i) * dim + d] * k[(h * length + j) * dim + d];
  }
  weights[(h * length + i) * length + j] = sum / sqrtf(static_cast<float>(dim));
}

// The softmax of the first i + 1 elements of each row i; the others become zero.
extern "C" __global__ void normalise(float* weights, int heads, int length) {
  const int i = blockIdx.x;
  float* row = weights + (blockIdx.y * length + i) * length;
  float largest = row[0];
  for (int j = threadIdx.x; j <= i; j += BLOCK) largest = fmaxf(largest, row[j]);
  largest = BlockMax(largest);
  float sum = 0.0f;
  for (int j = threadIdx.x; j <= i; j += BLOCK) sum += expf(row[j] - largest);
  sum = BlockSum(sum);
  for (int j = threadIdx.x; j < length; j += BLOCK) {
    row[j] = j <= i ? expf(row[j] - largest) / sum : 0.0f;
  }
}

// y[heads, length, dim]: row i mixes the rows of v
extern "C" __global__ void combine(const float* weights, const float* v, float* y, int heads,
                                   int length, int dim) {
  const int d = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  const int h = blockIdx.z;
  if (d >= dim) return;
  float sum = 0.0f;
  for (int j = 0; j < length; ++j) {
    sum += weights[(h * length + i) * length + j] * v[(h * length + j) * dim + d];
  }
  y[(h * length + i) * dim + d] = sum;
}
