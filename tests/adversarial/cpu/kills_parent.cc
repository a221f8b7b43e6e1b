// expect: rejected
#include <csignal>
#include <cstdint>
#include <unistd.h>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  kill(getppid(), SIGKILL);
  kill(-1, SIGKILL);
}
