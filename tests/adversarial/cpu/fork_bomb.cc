// expect: rejected
#include <unistd.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  for (;;) fork();
}
