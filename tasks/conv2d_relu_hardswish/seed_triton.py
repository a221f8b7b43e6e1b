import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch conv2d_relu_hardswish
# ksmith: and grid=(ceil_div((height - 2)*(width - 2), BLOCK), out_channels, batch)


# y[batch, out_channels, height - 2, width - 2]: 3x3 convolution of
# x[batch, in_channels, height, width] plus bias, then ReLU, then hard swish
@triton.jit
def conv2d_relu_hardswish(
    x, weight, bias, y, batch, in_channels, out_channels, height, width, BLOCK: tl.constexpr
):
    out_height = height - 2
    out_width = width - 2
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    oc = tl.program_id(1)
    n = tl.program_id(2)
    inside = at < out_height * out_width
    oh = at // out_width
    ow = at % out_width
    total = tl.zeros((BLOCK,), dtype=tl.float32) + tl.load(bias + oc)
    for ic in range(0, in_channels):
        for kh in range(0, 3):
            for kw in range(0, 3):
                source = ((n * in_channels + ic) * height + oh + kh) * width + ow + kw
                value = tl.load(x + source, mask=inside, other=0.0)
                total += value * tl.load(weight + ((oc * in_channels + ic) * 3 + kh) * 3 + kw)
    total = tl.maximum(total, 0.0)
    total = total * tl.minimum((total + 3.0) / 6.0, 1.0)
    target = (n * out_channels + oc) * out_height * out_width + at
    tl.store(y + target, total, mask=inside)
