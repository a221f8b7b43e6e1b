// ksmith: const TILE = 16
// ksmith: launch transpose grid=(ceil_div(cols, TILE), ceil_div(rows, TILE)) block=(TILE, TILE)

// y[cols, rows] = transpose of x[rows, cols]
extern "C" __global__ void transpose(const float* x, float* y, int rows, int cols) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i < rows && j < cols) y[j * rows + i] = x[i * cols + j];
}
