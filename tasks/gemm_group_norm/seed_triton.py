import triton
import triton.language as tl

# ksmith: const BLOCK_M = 64
# ksmith: const BLOCK_N = 64
# ksmith: const BLOCK_K = 32
# ksmith: const WIDTH = next_pow2(width)
# ksmith: scratch activated f32 [rows, groups*width]
# ksmith: launch linear_swish grid=(ceil_div(rows, BLOCK_M), ceil_div(groups*width, BLOCK_N))
# ksmith: and args=(x, weight, bias, shift, activated, rows, groups*width, depth)
# ksmith: launch group_norm grid=(rows, groups) num_warps=1
# ksmith: and args=(activated, gamma, beta, epsilon, y, groups, width)


# activated[rows, cols] = swish(x[rows, depth] * weight[depth, cols] + bias) + shift
@triton.jit
def linear_swish(
    x,
    weight,
    bias,
    shift,
    activated,
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
    total = total / (1.0 + tl.exp(-total))
    total += tl.load(shift + j, mask=j < cols, other=0.0)[None, :]
    mask = (i[:, None] < rows) & (j[None, :] < cols)
    tl.store(activated + i[:, None] * cols + j[None, :], total, mask=mask)


# y: each group of `width` neighbours in a row normalised, scaled by gamma and shifted by beta
@triton.jit
def group_norm(activated, gamma, beta, epsilon, y, groups, width, WIDTH: tl.constexpr):
    first = tl.program_id(1) * width
    lane = tl.arange(0, WIDTH)
    mask = lane < width
    at = tl.program_id(0) * groups * width + first + lane
    value = tl.load(activated + at, mask=mask, other=0.0)
    mean = tl.sum(value, axis=0) / width
    difference = tl.where(mask, value - mean, 0.0)
    inverse = 1.0 / tl.sqrt(tl.sum(difference * difference, axis=0) / width + epsilon)
    scale = tl.load(gamma + first + lane, mask=mask, other=0.0)
    offset = tl.load(beta + first + lane, mask=mask, other=0.0)
    tl.store(y + at, difference * inverse * scale + offset, mask=mask)
