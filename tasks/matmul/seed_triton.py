import triton
import triton.language as tl

# ksmith: const BLOCK_M = 64
# ksmith: const BLOCK_N = 64
# ksmith: const BLOCK_K = 32
# ksmith: launch matmul grid=(ceil_div(m, BLOCK_M), ceil_div(n, BLOCK_N))


# c[m, n] = a[m, k] * b[k, n]
@triton.jit
def matmul(
    a, b, c, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    i = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    j = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        p = start + tl.arange(0, BLOCK_K)
        a_mask = (i[:, None] < m) & (p[None, :] < k)
        b_mask = (p[:, None] < k) & (j[None, :] < n)
        left = tl.load(a + i[:, None] * k + p[None, :], mask=a_mask, other=0.0)
        right = tl.load(b + p[:, None] * n + j[None, :], mask=b_mask, other=0.0)
        total = tl.dot(left, right, total, input_precision="ieee")
    c_mask = (i[:, None] < m) & (j[None, :] < n)
    tl.store(c + i[:, None] * n + j[None, :], total, mask=c_mask)
