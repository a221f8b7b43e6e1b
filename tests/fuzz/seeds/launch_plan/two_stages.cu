// ksmith: const BLOCK = 256
// ksmith: const VEC = min(4, next_pow2(cols))
// ksmith: scratch partial f32 [rows, ceil_div(cols, BLOCK)]
// ksmith: clear partial
// ksmith: launch row_sums<float, VEC> grid=(ceil_div(cols, BLOCK), rows) block=(BLOCK)
// ksmith: and shared=4*BLOCK args=(x, partial, rows, cols) cooperative
// ksmith: launch finish grid=(rows) block=(128, 2) cluster=1
