import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch swish grid=(ceil_div(count, BLOCK))


# y[count] = x / (1 + exp(-x))
@triton.jit
def swish(x, y, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < count, other=0.0)
    tl.store(y + at, value / (1.0 + tl.exp(-value)), mask=at < count)
