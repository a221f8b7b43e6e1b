// expect: timed_out launch_failed
// A static initialiser that never ends.
#include <cstdint>
struct Trap {
  Trap() {
    for (volatile int i = 0;; ++i) {
    }
  }
} trap;
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
