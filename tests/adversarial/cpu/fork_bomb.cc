// expect: rejected
#include <cstdint>
#include <unistd.h>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  for (;;) fork();
}
