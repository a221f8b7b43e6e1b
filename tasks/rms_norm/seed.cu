// ksmith: const BLOCK = 256
// ksmith: launch rms_norm grid=(ceil_div(spatial, BLOCK), batch) block=(BLOCK)

// y[batch, channels, spatial] = x / sqrt(mean over channels of x^2 + epsilon)
extern "C" __global__ void rms_norm(const float* x, float epsilon, float* y, int batch,
                                    int channels, int spatial) {
  const int s = blockIdx.x * blockDim.x + threadIdx.x;
  const int n = blockIdx.y;
  if (s >= spatial) return;
  float squares = 0.0f;
  for (int c = 0; c < channels; ++c) {
    const float value = x[(n * channels + c) * spatial + s];
    squares += value * value;
  }
  const float rms = sqrtf(squares / static_cast<float>(channels) + epsilon);
  for (int c = 0; c < channels; ++c) {
    y[(n * channels + c) * spatial + s] = x[(n * channels + c) * spatial + s] / rms;
  }
}
