// ksmith: compiler g++
// ksmith: flags -O2
#include <cstdint>

// counts[bins]: how often each of 0..bins-1 occurs in keys[count]
extern "C" void histogram(const int32_t* keys, int32_t* counts, int64_t count, int64_t bins) {
  for (int64_t i = 0; i < bins; ++i) {
    counts[i] = 0;
  }
  for (int64_t i = 0; i < count; ++i) {
    counts[keys[i]] += 1;
  }
}
