// expect: rejected
// P12
#include <csignal>
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  std::signal(SIGSEGV, SIG_IGN);
  std::signal(SIGSYS, SIG_IGN);
}
