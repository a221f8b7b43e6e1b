// expect: rejected
#include <unistd.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  static char block[1 << 20];
  for (int i = 0; i < 1024; ++i) {
    if (write(1, block, sizeof block) < 0) break;
    if (write(2, block, sizeof block) < 0) break;
  }
}
