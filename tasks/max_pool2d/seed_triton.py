import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch max_pool2d grid=(ceil_div((height - 1)*(width - 1), BLOCK), planes)


# y[planes, height - 1, width - 1]: largest of each 4x4 window of x, moved by one element, with one
# element of padding around the plane that never wins
@triton.jit
def max_pool2d(x, y, planes, height, width, BLOCK: tl.constexpr):
    out_height = height - 1
    out_width = width - 1
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = tl.program_id(1)
    oh = at // out_width
    ow = at % out_width
    largest = tl.full((BLOCK,), -float("inf"), dtype=tl.float32)
    for kh in range(-1, 3):
        for kw in range(-1, 3):
            ih = oh + kh
            iw = ow + kw
            inside = (ih >= 0) & (ih < height) & (iw >= 0) & (iw < width)
            source = (plane * height + ih) * width + iw
            largest = tl.maximum(largest, tl.load(x + source, mask=inside, other=-float("inf")))
    target = plane * out_height * out_width + at
    tl.store(y + target, largest, mask=at < out_height * out_width)
