// ksmith: const BLOCK = 64
// ksmith: clear counts
// ksmith: launch histogram grid=(ceil_div(count, BLOCK)) block=(BLOCK)

// counts[bins]: how often each of 0..bins-1 occurs in keys[count]; cleared before
__kernel void histogram(__global const int* keys, __global int* counts, long count, long bins) {
  const long i = get_global_id(0);
  if (i < count) atomic_inc(counts + keys[i]);
}
