// expect: measured
// A true improvement is allowed to gain.
// ksmith: const BLOCK = 256
// ksmith: launch scale_add grid=(ceil_div(n, 4*BLOCK)) block=(BLOCK) args=(x, y, out, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  const long long at = 4 * i;
  if (at + 3 < n) {
    const float4 a = *(const float4*)(x + at);
    const float4 b = *(const float4*)(y + at);
    *(float4*)(out + at) = make_float4(2 * a.x + b.x, 2 * a.y + b.y, 2 * a.z + b.z, 2 * a.w + b.w);
  } else {
    for (long long k = at; k < n; ++k) out[k] = 2.0f * x[k] + y[k];
  }
}
