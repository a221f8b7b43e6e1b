import triton
import triton.language as tl

# ksmith: const BLOCK = 32
# ksmith: launch spmv grid=(rows) num_warps=1


# y[rows] = a * x[cols], where row i of a holds values[row_ptr[i]] to values[row_ptr[i + 1] - 1] in
# the columns col_idx
@triton.jit
def spmv(row_ptr, col_idx, values, x, y, rows, cols, nnz, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    end = tl.load(row_ptr + row + 1)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(tl.load(row_ptr + row), end, BLOCK):
        at = start + tl.arange(0, BLOCK)
        column = tl.load(col_idx + at, mask=at < end, other=0)
        factor = tl.load(x + column, mask=at < end, other=0.0)
        total += tl.load(values + at, mask=at < end, other=0.0) * factor
    tl.store(y + row, tl.sum(total, axis=0))
