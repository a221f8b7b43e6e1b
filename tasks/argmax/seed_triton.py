import triton
import triton.language as tl

# ksmith: const BLOCK = 128
# ksmith: launch argmax grid=(ceil_div(inner, BLOCK), outer)


# y[outer, inner] = index along middle of the largest x[outer, middle, inner], the first of equals
@triton.jit
def argmax(x, y, outer, middle, inner, BLOCK: tl.constexpr):
    k = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i = tl.program_id(1)
    inside = k < inner
    best = tl.load(x + i * middle * inner + k, mask=inside, other=0.0)
    best_index = tl.zeros((BLOCK,), dtype=tl.int32)
    for j in range(1, middle):
        value = tl.load(x + (i * middle + j) * inner + k, mask=inside, other=0.0)
        larger = value > best
        best = tl.where(larger, value, best)
        best_index = tl.where(larger, j, best_index)
    tl.store(y + i * inner + k, best_index, mask=inside)
