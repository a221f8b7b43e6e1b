// ksmith: const BLOCK = 128
// ksmith: const TILE = 16
// ksmith: scratch qkv f32 [batch, length, 3*heads*dim]
// ksmith: scratch weights f32 [batch, heads, length, length]
// ksmith: scratch mixed f32 [batch, length, heads*dim]
// ksmith: launch linear grid=(ceil_div(3*heads*dim, TILE), ceil_div(batch*length, TILE))
// ksmith: and block=(TILE, TILE)
// ksmith: and args=(x, w_qkv, b_qkv, qkv, batch*length, 3*heads*dim, heads*dim)
// ksmith: launch scores grid=(ceil_div(length, BLOCK), length, batch*heads) block=(BLOCK)
// ksmith: and args=(qkv, weights, batch, length, heads, dim)
// ksmith: launch normalise grid=(length, batch*heads) block=(BLOCK)
// ksmith: and args=(weights, batch, heads, length)
// ksmith: launch combine grid=(ceil_div(dim, BLOCK), length, batch*heads) block=(BLOCK)
// ksmith: and args=(weights, qkv, mixed, batch, length, heads, dim)
// ksmith: launch linear grid=(ceil_div(heads*dim, TILE), ceil_div(batch*length, TILE))
// ksmith: and block=(TILE, TILE)
// ksmith: and args=(mixed, w_out, b_out, y, batch*length, heads*dim, heads*dim)

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

// y[rows, cols] = x[rows, depth] * weight[depth, cols] + bias[cols]
extern "C" __global__ void linear(const float* x, const float* weight, const float* bias, float* y,
                                  int rows, int cols, int depth) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= rows || j >= cols) return;
  float sum = 0.0f;
  for (int p = 0; p < depth; ++p) {
    sum += x[i * depth + p] * weight[p * cols + j];
  }
  y[i * cols + j] = sum + bias[j];
}

// weights[batch, heads, i, j] = q[i] * k[j] / sqrt(dim). A row of qkv holds the heads of q,
// then those of k, then those of v.
extern "C" __global__ void scores(const float* qkv, float* weights, int batch, int length,
                                  int heads, int dim) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  const int plane = blockIdx.z;
  const int n = plane / heads;
  const int h = plane % heads;
  if (n >= batch || i >= length || j >= length) return;
  const int width = heads * dim;
  const float* q = qkv + (n * length + i) * 3 * width + h * dim;
  const float* k = qkv + (n * length + j) * 3 * width + width + h * dim;
  float sum = 0.0f;
  for (int d = 0; d < dim; ++d) sum += q[d] * k[d];
  weights[(plane * length + i) * length + j] = sum / sqrtf(static_cast<float>(dim));
}

// The softmax of the first i + 1 elements of each row i; the others become zero.
extern "C" __global__ void normalise(float* weights, int batch, int heads, int length) {
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

// mixed[batch, i, heads, dim] = weights * v
extern "C" __global__ void combine(const float* weights, const float* qkv, float* mixed, int batch,
                                   int length, int heads, int dim) {
  const int d = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y;
  const int plane = blockIdx.z;
  const int n = plane / heads;
  const int h = plane % heads;
  if (n >= batch || i >= length || d >= dim) return;
  const int width = heads * dim;
  float sum = 0.0f;
  for (int j = 0; j < length; ++j) {
    sum += weights[(plane * length + i) * length + j] *
           qkv[(n * length + j) * 3 * width + 2 * width + h * dim + d];
  }
  mixed[(n * length + i) * width + h * dim + d] = sum;
}
