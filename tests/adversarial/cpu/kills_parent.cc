// expect: rejected
#include <unistd.h>
#include <csignal>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  kill(getppid(), SIGKILL);
  kill(-1, SIGKILL);
}
