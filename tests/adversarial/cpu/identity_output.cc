// expect: wrong_result
// F4: copies an input.
#include <cstdint>
#include <cstring>
extern "C" void scale_add(const float* x, const float*, float* out, int64_t n) {
  std::memcpy(out, x, static_cast<size_t>(n) * sizeof(float));
}
