// expect: rejected
#include <fcntl.h>
#include <unistd.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float* out, int64_t) {
  char buffer[64] = {0};
  const int fd = open("/etc/passwd", O_RDONLY);
  if (fd >= 0 && read(fd, buffer, sizeof buffer) > 0) out[0] = buffer[0];
}
