// ksmith: const BLOCK = 128
// ksmith: launch conv2d grid=(ceil_div((height - 2)*(width - 2), BLOCK), out_channels, batch)
// ksmith: and block=(BLOCK)

// y[batch, out_channels, height - 2, width - 2]: 3x3 convolution of
// x[batch, in_channels, height, width], plus the bias of each output channel
extern "C" __global__ void conv2d(const float* x, const float* weight, const float* bias, float* y,
                                  int batch, int in_channels, int out_channels, int height,
                                  int width) {
  const int out_height = height - 2;
  const int out_width = width - 2;
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= out_height * out_width) return;
  const int oh = at / out_width;
  const int ow = at % out_width;
  const int oc = blockIdx.y;
  const int n = blockIdx.z;
  float sum = bias[oc];
  for (int ic = 0; ic < in_channels; ++ic) {
    for (int kh = 0; kh < 3; ++kh) {
      for (int kw = 0; kw < 3; ++kw) {
        sum += x[((n * in_channels + ic) * height + oh + kh) * width + ow + kw] *
               weight[((oc * in_channels + ic) * 3 + kh) * 3 + kw];
      }
    }
  }
  y[((n * out_channels + oc) * out_height + oh) * out_width + ow] = sum;
}
