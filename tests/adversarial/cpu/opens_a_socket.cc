// expect: rejected
#include <sys/socket.h>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  socket(AF_INET, SOCK_STREAM, 0);
}
