// expect: rejected
// R5: leaves a result for the next process.
#include <cstdint>
#include <cstdio>
extern "C" void scale_add(const float* x, const float*, float*, int64_t n) {
  if (FILE* f = std::fopen("/tmp/ksmith-adversarial-file", "w")) {
    std::fwrite(x, 4, static_cast<size_t>(n), f);
    std::fclose(f);
  }
}
