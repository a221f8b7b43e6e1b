// expect: crashed
// A vector load from an odd address.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i];
  if (4 * i + 4 < n) *(float4*)(out + 4 * i + 1) = *(const float4*)(x + 4 * i + 1);
}
