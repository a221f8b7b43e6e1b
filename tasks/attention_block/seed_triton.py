import triton
import triton.language as tl

# ksmith: const BLOCK = 64
# ksmith: const WIDTH = next_pow2(dim)
# ksmith: const BLOCK_M = 64
# ksmith: const BLOCK_N = 64
# ksmith: const BLOCK_K = 32
# ksmith: scratch qkv f32 [batch, length, 3*heads*dim]
# ksmith: scratch mixed f32 [batch, length, heads*dim]
# ksmith: launch linear grid=(ceil_div(batch*length, BLOCK_M), ceil_div(3*heads*dim, BLOCK_N))
# ksmith: and args=(x, w_qkv, b_qkv, qkv, batch*length, 3*heads*dim, heads*dim)
# ksmith: launch attend grid=(length, heads, batch) args=(qkv, mixed, length, heads, dim)
# ksmith: launch linear grid=(ceil_div(batch*length, BLOCK_M), ceil_div(heads*dim, BLOCK_N))
# ksmith: and args=(mixed, w_out, b_out, y, batch*length, heads*dim, heads*dim)


# y[rows, cols] = x[rows, depth] * weight[depth, cols] + bias[cols]
@triton.jit
def linear(
    x,
    weight,
    bias,
    y,
    rows,
    cols,
    depth,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    i = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    j = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, depth, BLOCK_K):
        p = start + tl.arange(0, BLOCK_K)
        x_mask = (i[:, None] < rows) & (p[None, :] < depth)
        w_mask = (p[:, None] < depth) & (j[None, :] < cols)
        left = tl.load(x + i[:, None] * depth + p[None, :], mask=x_mask, other=0.0)
        right = tl.load(weight + p[:, None] * cols + j[None, :], mask=w_mask, other=0.0)
        total = tl.dot(left, right, total, input_precision="ieee")
    total += tl.load(bias + j, mask=j < cols, other=0.0)[None, :]
    y_mask = (i[:, None] < rows) & (j[None, :] < cols)
    tl.store(y + i[:, None] * cols + j[None, :], total, mask=y_mask)


# mixed[batch, i, heads, dim]: row i of each head attends to the rows 0..i. A row of qkv holds the
# heads of q, then those of k, then those of v.
@triton.jit
def attend(qkv, mixed, length, heads, dim, BLOCK: tl.constexpr, WIDTH: tl.constexpr):
    i = tl.program_id(0)
    h = tl.program_id(1)
    n = tl.program_id(2)
    width = heads * dim
    d = tl.arange(0, WIDTH)
    query = tl.load(qkv + (n * length + i) * 3 * width + h * dim + d, mask=d < dim, other=0.0)
    query = query / tl.sqrt(tl.cast(dim, tl.float32))
    largest = -float("inf")
    total = 0.0
    result = tl.zeros((WIDTH,), dtype=tl.float32)
    for start in range(0, i + 1, BLOCK):
        j = start + tl.arange(0, BLOCK)
        mask = (j[:, None] < length) & (d[None, :] < dim)
        at = (n * length + j[:, None]) * 3 * width + h * dim + d[None, :]
        keys = tl.load(qkv + width + at, mask=mask, other=0.0)
        scores = tl.sum(keys * query[None, :], axis=1)
        scores = tl.where(j <= i, scores, -float("inf"))
        new_largest = tl.maximum(largest, tl.max(scores, axis=0))
        shrink = tl.exp(largest - new_largest)
        weights = tl.exp(scores - new_largest)
        total = total * shrink + tl.sum(weights, axis=0)
        values = tl.load(qkv + 2 * width + at, mask=mask, other=0.0)
        result = result * shrink + tl.sum(values * weights[:, None], axis=0)
        largest = new_largest
    tl.store(mixed + (n * length + i) * width + h * dim + d, result / total, mask=d < dim)
