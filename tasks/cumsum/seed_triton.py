import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch cumsum grid=(rows)


# y[rows, cols]: y[i, j] = x[i, 0] + ... + x[i, j]
@triton.jit
def cumsum(x, y, rows, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    reached = 0.0
    for start in range(0, cols, BLOCK):
        at = start + tl.arange(0, BLOCK)
        value = tl.load(x + row * cols + at, mask=at < cols, other=0.0)
        tl.store(y + row * cols + at, tl.cumsum(value, axis=0) + reached, mask=at < cols)
        reached += tl.sum(value, axis=0)
