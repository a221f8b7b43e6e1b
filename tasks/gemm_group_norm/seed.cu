// ksmith: const BLOCK = 64
// ksmith: const TILE = 16
// ksmith: scratch activated f32 [rows, groups*width]
// ksmith: launch linear_swish grid=(ceil_div(groups*width, TILE), ceil_div(rows, TILE))
// ksmith: and block=(TILE, TILE)
// ksmith: and args=(x, weight, bias, shift, activated, rows, groups*width, depth)
// ksmith: launch group_norm grid=(groups, rows) block=(BLOCK)
// ksmith: and args=(activated, gamma, beta, epsilon, y, groups, width)

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

// activated[rows, cols] = swish(x[rows, depth] * weight[depth, cols] + bias) + shift
extern "C" __global__ void linear_swish(const float* x, const float* weight, const float* bias,
                                        const float* shift, float* activated, int rows, int cols,
                                        int depth) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= rows || j >= cols) return;
  float sum = 0.0f;
  for (int p = 0; p < depth; ++p) {
    sum += x[i * depth + p] * weight[p * cols + j];
  }
  sum += bias[j];
  activated[i * cols + j] = sum / (1.0f + expf(-sum)) + shift[j];
}

// y: each group of `width` neighbours in a row normalised, scaled by gamma and shifted by beta
extern "C" __global__ void group_norm(const float* activated, const float* gamma, const float* beta,
                                      float epsilon, float* y, int groups, int width) {
  const int first = blockIdx.x * width;
  const float* in = activated + blockIdx.y * groups * width + first;
  float* out = y + blockIdx.y * groups * width + first;
  float sum = 0.0f;
  for (int j = threadIdx.x; j < width; j += BLOCK) sum += in[j];
  const float mean = BlockSum(sum) / static_cast<float>(width);
  float squares = 0.0f;
  for (int j = threadIdx.x; j < width; j += BLOCK) squares += (in[j] - mean) * (in[j] - mean);
  const float inverse = 1.0f / sqrtf(BlockSum(squares) / static_cast<float>(width) + epsilon);
  for (int j = threadIdx.x; j < width; j += BLOCK) {
    out[j] = (in[j] - mean) * inverse * gamma[first + j] + beta[first + j];
  }
}
