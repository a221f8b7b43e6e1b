// expect: out_of_memory launch_failed compile_failed
// A tebibyte of scratch.
// ksmith: const BLOCK = 128
// ksmith: scratch kept f32 [1024*1024*1024*256]
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, kept, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, float* kept, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i];
}
