// expect: out_of_memory timed_out
#include <cstdint>
#include <cstring>
extern "C" void scale_add(const float*, const float*, float* out, int64_t) {
  for (;;) {
    char* p = new char[64 << 20];
    std::memset(p, 1, 64 << 20);
    out[0] += p[5];
  }
}
