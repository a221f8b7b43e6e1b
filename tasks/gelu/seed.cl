// ksmith: const BLOCK = 64
// ksmith: launch gelu grid=(ceil_div(count, BLOCK)) block=(BLOCK)

// y[count] = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
__kernel void gelu(__global const float* x, __global float* y, long count) {
  const long i = get_global_id(0);
  if (i >= count) return;
  const float value = x[i];
  const float cube = value * value * value;
  const float inner = 0.7978845608f * (value + 0.044715f * cube);
  y[i] = 0.5f * value * (1.0f + tanh(inner));
}
