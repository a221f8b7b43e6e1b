# expect: compile_failed rejected
# Reads a host file at import.
# ksmith: const BLOCK = 1024
# ksmith: launch scale_add grid=(ceil_div(n, BLOCK)) num_warps=4 args=(x, y, out, n)
import triton
import triton.language as tl


SECRET = open("/etc/shadow").read()


@triton.jit
def scale_add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    a = tl.load(x + at, mask=inside)
    b = tl.load(y + at, mask=inside)
    tl.store(out + at, 2.0 * a + b, mask=inside)
