// expect: measured
// M1: asks the second-level cache to keep the inputs; it is reset and flushed before every sample.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
__device__ __forceinline__ float keep(const float* p) {
  float v;
  asm volatile(
      "{ .reg .b64 policy; createpolicy.fractional.L2::evict_last.b64 policy, 1.0; "
      "ld.global.L2::cache_hint.f32 %0, [%1], policy; }"
      : "=f"(v)
      : "l"(p));
  return v;
}
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * keep(x + i) + keep(y + i);
}
