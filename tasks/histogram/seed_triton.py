import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: clear counts
# ksmith: launch histogram grid=(ceil_div(count, BLOCK))


# counts[bins]: how often each of 0..bins-1 occurs in keys[count]; cleared before
@triton.jit
def histogram(keys, counts, count, bins, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    key = tl.load(keys + at, mask=at < count, other=0)
    tl.atomic_add(counts + key, 1, mask=at < count)
