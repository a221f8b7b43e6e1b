// expect: crashed
// ksmith: flags -O0
#include <cstdint>
static int64_t Deeper(volatile int64_t n) { return n + Deeper(n + 1); }
extern "C" void scale_add(const float*, const float*, float* out, int64_t n) {
  out[0] = static_cast<float>(Deeper(n));
}
