// expect: wrong_result nondeterministic
// F9: adds what it never wrote.
// ksmith: const BLOCK = 128
// ksmith: scratch kept f32 [n]
// ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) block=(BLOCK) args=(x, y, out, kept, n)
extern "C" __global__ void scale_add(const float* x, const float* y, float* out, float* kept, long long n) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) out[i] = 2.0f * x[i] + y[i] + 0.0f * kept[i];
}
