// ksmith: const BLOCK = 64
// ksmith: launch softmax grid=(rows) block=(BLOCK)

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

// The largest of `value` over the work-group, for all of it; `partial` has room for one each.
float GroupMax(float value, __local float* partial) {
  const int me = get_local_id(0);
  partial[me] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int step = BLOCK / 2; step > 0; step /= 2) {
    if (me < step) partial[me] = fmax(partial[me], partial[me + step]);
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const float result = partial[0];
  barrier(CLK_LOCAL_MEM_FENCE);
  return result;
}

// y[rows, cols]: each row of x exponentiated and scaled to sum 1; one work-group a row
__kernel void softmax(__global const float* x, __global float* y, long rows, long cols) {
  __local float partial[BLOCK];
  __global const float* in = x + get_group_id(0) * cols;
  __global float* out = y + get_group_id(0) * cols;
  float largest = in[0];
  for (long j = get_local_id(0); j < cols; j += BLOCK) largest = fmax(largest, in[j]);
  largest = GroupMax(largest, partial);
  float sum = 0.0f;
  for (long j = get_local_id(0); j < cols; j += BLOCK) sum += exp(in[j] - largest);
  sum = GroupSum(sum, partial);
  for (long j = get_local_id(0); j < cols; j += BLOCK) out[j] = exp(in[j] - largest) / sum;
}
