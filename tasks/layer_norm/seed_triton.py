import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch layer_norm grid=(rows)


# y[rows, cols] = (x - mean(row)) / sqrt(variance(row) + epsilon) * gamma + beta
@triton.jit
def layer_norm(x, gamma, beta, epsilon, y, rows, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + lane
        total += tl.load(x + row * cols + at, mask=at < cols, other=0.0)
    mean = tl.sum(total, axis=0) / cols
    squares = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + lane
        difference = tl.load(x + row * cols + at, mask=at < cols, other=0.0) - mean
        squares += tl.where(at < cols, difference * difference, 0.0)
    inverse = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / cols + epsilon)
    for start in range(0, cols, BLOCK):
        at = start + lane
        mask = at < cols
        value = (tl.load(x + row * cols + at, mask=mask, other=0.0) - mean) * inverse
        scale = tl.load(gamma + at, mask=mask, other=0.0)
        shift = tl.load(beta + at, mask=mask, other=0.0)
        tl.store(y + row * cols + at, value * scale + shift, mask=mask)
