import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch cross_entropy grid=(rows)


# loss[rows] = log(sum(exp(logits[row]))) - logits[row, labels[row]]
@triton.jit
def cross_entropy(logits, labels, loss, rows, classes, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    lane = tl.arange(0, BLOCK)
    largest = tl.full((BLOCK,), -float("inf"), dtype=tl.float32)
    for start in range(0, classes, BLOCK):
        at = start + lane
        value = tl.load(logits + row * classes + at, mask=at < classes, other=-float("inf"))
        largest = tl.maximum(largest, value)
    peak = tl.max(largest, axis=0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, classes, BLOCK):
        at = start + lane
        value = tl.load(logits + row * classes + at, mask=at < classes, other=-float("inf"))
        total += tl.exp(value - peak)
    picked = tl.load(logits + row * classes + tl.load(labels + row))
    tl.store(loss + row, tl.log(tl.sum(total, axis=0)) - (picked - peak))
