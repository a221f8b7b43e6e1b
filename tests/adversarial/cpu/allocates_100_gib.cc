// expect: out_of_memory
#include <cstdint>
#include <cstdlib>
#include <cstring>
extern "C" void scale_add(const float*, const float*, float* out, int64_t) {
  char* volatile p = static_cast<char*>(std::malloc(size_t{100} << 30));
  std::memset(p, 1, size_t{100} << 30);
  out[0] = p[12345];
}
