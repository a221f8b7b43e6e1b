// ksmith: const BLOCK = 128
// ksmith: launch depthwise_conv grid=(ceil_div(height*width, BLOCK), channels, batch)
// ksmith: and block=(BLOCK)

// y[batch, channels, height, width]: each channel of x convolved with its own 3x3 filter; outside
// of the image x counts as zero.
extern "C" __global__ void depthwise_conv(const float* x, const float* weight, float* y, int batch,
                                          int channels, int height, int width) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * width) return;
  const int h = at / width;
  const int w = at % width;
  const int c = blockIdx.y;
  const int n = blockIdx.z;
  float sum = 0.0f;
  for (int kh = 0; kh < 3; ++kh) {
    for (int kw = 0; kw < 3; ++kw) {
      const int ih = h + kh - 1;
      const int iw = w + kw - 1;
      if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
        sum += x[((n * channels + c) * height + ih) * width + iw] * weight[(c * 3 + kh) * 3 + kw];
      }
    }
  }
  y[((n * channels + c) * height + h) * width + w] = sum;
}
