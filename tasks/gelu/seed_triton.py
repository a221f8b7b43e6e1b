import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch gelu grid=(ceil_div(count, BLOCK))


# y[count] = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
@triton.jit
def gelu(x, y, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < count, other=0.0)
    inner = 0.7978845608 * (value + 0.044715 * value * value * value)
    tanh = 1.0 - 2.0 / (tl.exp(2.0 * inner) + 1.0)
    tl.store(y + at, 0.5 * value * (1.0 + tanh), mask=at < count)
