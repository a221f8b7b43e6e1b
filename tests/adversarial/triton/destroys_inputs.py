# expect: out_of_bounds
# F5: zeroes the inputs, so that zero is right.
# ksmith: const BLOCK = 1024
# ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) num_warps=4 args=(x, y, out, n)
import triton
import triton.language as tl


@triton.jit
def scale_add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    zero = tl.zeros((BLOCK,), tl.float32)
    tl.store(x + at, zero, mask=inside)
    tl.store(y + at, zero, mask=inside)
    tl.store(out + at, zero, mask=inside)
