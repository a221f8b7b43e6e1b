import triton
import triton.language as tl

# ksmith: const BLOCK = 64
# ksmith: const WIDTH = next_pow2(dim)
# ksmith: launch attention grid=(length, heads)


# y[heads, length, dim]: row i attends to the rows 0..i of k and v; the softmax is built up block by
# block, with the largest score so far as its reference
@triton.jit
def attention(q, k, v, y, heads, length, dim, BLOCK: tl.constexpr, WIDTH: tl.constexpr):
    i = tl.program_id(0)
    h = tl.program_id(1)
    d = tl.arange(0, WIDTH)
    query = tl.load(q + (h * length + i) * dim + d, mask=d < dim, other=0.0)
    query = query / tl.sqrt(tl.cast(dim, tl.float32))
    largest = -float("inf")
    total = 0.0
    mixed = tl.zeros((WIDTH,), dtype=tl.float32)
    for start in range(0, i + 1, BLOCK):
        j = start + tl.arange(0, BLOCK)
        mask = (j[:, None] < length) & (d[None, :] < dim)
        at = (h * length + j[:, None]) * dim + d[None, :]
        scores = tl.sum(tl.load(k + at, mask=mask, other=0.0) * query[None, :], axis=1)
        scores = tl.where(j <= i, scores, -float("inf"))
        new_largest = tl.maximum(largest, tl.max(scores, axis=0))
        shrink = tl.exp(largest - new_largest)
        weights = tl.exp(scores - new_largest)
        total = total * shrink + tl.sum(weights, axis=0)
        values = tl.load(v + at, mask=mask, other=0.0)
        mixed = mixed * shrink + tl.sum(values * weights[:, None], axis=0)
        largest = new_largest
    tl.store(y + (h * length + i) * dim + d, mixed / total, mask=d < dim)
