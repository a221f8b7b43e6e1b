import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch rms_norm grid=(ceil_div(spatial, BLOCK), batch)


# y[batch, channels, spatial] = x / sqrt(mean over channels of x^2 + epsilon)
@triton.jit
def rms_norm(x, epsilon, y, batch, channels, spatial, BLOCK: tl.constexpr):
    s = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    n = tl.program_id(1)
    inside = s < spatial
    squares = tl.zeros((BLOCK,), dtype=tl.float32)
    for c in range(0, channels):
        value = tl.load(x + (n * channels + c) * spatial + s, mask=inside, other=0.0)
        squares += value * value
    rms = tl.sqrt(squares / channels + epsilon)
    for c in range(0, channels):
        at = (n * channels + c) * spatial + s
        value = tl.load(x + at, mask=inside, other=0.0)
        tl.store(y + at, value / rms, mask=inside)
