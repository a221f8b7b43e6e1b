# expect: wrong_result
# R6: hopes that the output still holds somebody's right answer.
# ksmith: const BLOCK = 1024
# ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) num_warps=4 args=(x, y, out, n)
import triton
import triton.language as tl


@triton.jit
def scale_add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(out + at, mask=inside), mask=inside & (at < 0))
