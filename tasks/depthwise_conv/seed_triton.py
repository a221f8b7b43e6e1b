import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch depthwise_conv grid=(ceil_div(height*width, BLOCK), channels, batch)


# y[batch, channels, height, width]: each channel of x convolved with its own 3x3 filter; outside of
# the image x counts as zero.
@triton.jit
def depthwise_conv(x, weight, y, batch, channels, height, width, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    c = tl.program_id(1)
    plane = tl.program_id(2) * channels + c
    h = at // width
    w = at % width
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for kh in range(0, 3):
        for kw in range(0, 3):
            ih = h + kh - 1
            iw = w + kw - 1
            inside = (ih >= 0) & (ih < height) & (iw >= 0) & (iw < width)
            value = tl.load(x + (plane * height + ih) * width + iw, mask=inside, other=0.0)
            total += value * tl.load(weight + (c * 3 + kh) * 3 + kw)
    tl.store(y + plane * height * width + at, total, mask=at < height * width)
