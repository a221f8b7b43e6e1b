import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch log_softmax grid=(rows)


# y[rows, cols] = x - log(sum(exp(x))) for each row
@triton.jit
def log_softmax(x, y, rows, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    largest = tl.full((BLOCK,), -float("inf"), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + lane
        value = tl.load(x + row * cols + at, mask=at < cols, other=-float("inf"))
        largest = tl.maximum(largest, value)
    peak = tl.max(largest, axis=0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + lane
        value = tl.load(x + row * cols + at, mask=at < cols, other=-float("inf"))
        total += tl.exp(value - peak)
    log_sum = tl.log(tl.sum(total, axis=0))
    for start in range(0, cols, BLOCK):
        at = start + lane
        value = tl.load(x + row * cols + at, mask=at < cols, other=0.0)
        tl.store(y + row * cols + at, value - peak - log_sum, mask=at < cols)
