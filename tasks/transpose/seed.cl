// ksmith: const TILE = 8
// ksmith: launch transpose grid=(ceil_div(cols, TILE), ceil_div(rows, TILE)) block=(TILE, TILE)

// y[cols, rows] = transpose of x[rows, cols]
__kernel void transpose(__global const float* x, __global float* y, long rows, long cols) {
  const long j = get_global_id(0);
  const long i = get_global_id(1);
  if (i < rows && j < cols) y[j * rows + i] = x[i * cols + j];
}
