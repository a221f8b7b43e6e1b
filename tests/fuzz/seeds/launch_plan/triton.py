# ksmith: const BLOCK = next_pow2(cols)
# ksmith: launch kernel grid=(min(rows, 4*sm_count)) num_warps=4 num_stages=3 maxnreg=128
# ksmith: and args=(x, y, rows, cols)
