// expect: compile_failed timed_out out_of_memory rejected measured
// Explodes in the compiler.
// ksmith: const BLOCK = 128
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, n)
template <int N, typename A, typename B> struct T { typedef typename T<N - 1, T<N - 1, A, B>, T<N - 1, B, A>>::R R; };
template <typename A, typename B> struct T<0, A, B> { typedef A R; };
__device__ T<26, int, float>::R bomb;
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
