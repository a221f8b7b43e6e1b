// ksmith: const BLOCK = 64
// ksmith: launch layer_norm grid=(rows) block=(BLOCK)

// The sum of `value` over the work-group, for all of it; `partial` has room for one each.
float GroupSum(float value, __local float* partial) {
  const int me = get_local_id(0);
  partial[me] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int step = BLOCK / 2; step > 0; step /= 2) {
    if (me < step) partial[me] = partial[me] + partial[me + step];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const float result = partial[0];
  barrier(CLK_LOCAL_MEM_FENCE);
  return result;
}

// y[rows, cols] = (x - mean(row)) / sqrt(variance(row) + epsilon) * gamma + beta; one work-group a
// row
__kernel void layer_norm(__global const float* x, __global const float* gamma,
                         __global const float* beta, float epsilon, __global float* y, long rows,
                         long cols) {
  __local float partial[BLOCK];
  __global const float* in = x + get_group_id(0) * cols;
  __global float* out = y + get_group_id(0) * cols;
  float sum = 0.0f;
  for (long j = get_local_id(0); j < cols; j += BLOCK) sum += in[j];
  const float mean = GroupSum(sum, partial) / (float)cols;
  float squares = 0.0f;
  for (long j = get_local_id(0); j < cols; j += BLOCK) {
    squares += (in[j] - mean) * (in[j] - mean);
  }
  const float inverse = 1.0f / sqrt(GroupSum(squares, partial) / (float)cols + epsilon);
  for (long j = get_local_id(0); j < cols; j += BLOCK) {
    out[j] = (in[j] - mean) * inverse * gamma[j] + beta[j];
  }
}
