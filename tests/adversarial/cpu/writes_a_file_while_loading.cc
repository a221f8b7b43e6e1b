// expect: rejected launch_failed
#include <fcntl.h>
#include <unistd.h>
#include <cstdint>
struct Trap {
  Trap() {
    const int fd = open("/tmp/ksmith-adversarial-file", O_CREAT | O_WRONLY, 0666);
    if (fd >= 0) close(fd);
  }
} trap;
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
