import triton
import triton.language as tl

# ksmith: const TILE = 32
# ksmith: launch transpose grid=(ceil_div(cols, TILE), ceil_div(rows, TILE))


# y[cols, rows] = transpose of x[rows, cols]
@triton.jit
def transpose(x, y, rows, cols, TILE: tl.constexpr):
    j = tl.program_id(0) * TILE + tl.arange(0, TILE)
    i = tl.program_id(1) * TILE + tl.arange(0, TILE)
    mask = (i[:, None] < rows) & (j[None, :] < cols)
    tile = tl.load(x + i[:, None] * cols + j[None, :], mask=mask, other=0.0)
    tl.store(y + j[None, :] * rows + i[:, None], tile, mask=mask)
