import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch sum_middle grid=(ceil_div(inner, BLOCK), outer)


# y[outer, inner] = sum over middle of x[outer, middle, inner]
@triton.jit
def sum_middle(x, y, outer, middle, inner, BLOCK: tl.constexpr):
    k = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i = tl.program_id(1)
    inside = k < inner
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for j in range(0, middle):
        total += tl.load(x + (i * middle + j) * inner + k, mask=inside, other=0.0)
    tl.store(y + i * inner + k, total, mask=inside)
