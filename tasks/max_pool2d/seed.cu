// ksmith: const BLOCK = 128
// ksmith: launch max_pool2d grid=(ceil_div((height - 1)*(width - 1), BLOCK), planes) block=(BLOCK)

// y[planes, height - 1, width - 1]: largest of each 4x4 window of x, moved by one element, with one
// element of padding around the plane that never wins
extern "C" __global__ void max_pool2d(const float* x, float* y, int planes, int height,
                                      int width) {
  const int out_height = height - 1;
  const int out_width = width - 1;
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= out_height * out_width) return;
  const int oh = at / out_width;
  const int ow = at % out_width;
  const int n = blockIdx.y;
  float largest = x[(n * height + oh) * width + ow];
  for (int kh = -1; kh < 3; ++kh) {
    for (int kw = -1; kw < 3; ++kw) {
      const int ih = oh + kh;
      const int iw = ow + kw;
      if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
        largest = fmaxf(largest, x[(n * height + ih) * width + iw]);
      }
    }
  }
  y[(n * out_height + oh) * out_width + ow] = largest;
}
