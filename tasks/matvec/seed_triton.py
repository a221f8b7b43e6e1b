import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch matvec grid=(rows)


# y[rows] = a[rows, cols] * x[cols]
@triton.jit
def matvec(a, x, y, rows, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + tl.arange(0, BLOCK)
        factor = tl.load(x + at, mask=at < cols, other=0.0)
        total += tl.load(a + row * cols + at, mask=at < cols, other=0.0) * factor
    tl.store(y + row, tl.sum(total, axis=0))
