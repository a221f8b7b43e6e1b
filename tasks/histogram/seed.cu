// ksmith: const BLOCK = 256
// ksmith: clear counts
// ksmith: launch histogram grid=(ceil_div(count, BLOCK)) block=(BLOCK)

// counts[bins]: how often each of 0..bins-1 occurs in keys[count]; cleared before
extern "C" __global__ void histogram(const int* keys, int* counts, int count, int bins) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) atomicAdd(counts + keys[i], 1);
}
