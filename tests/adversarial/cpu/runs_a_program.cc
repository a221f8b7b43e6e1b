// expect: rejected
#include <cstdint>
#include <cstdlib>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {
  static_cast<void>(std::system("id > /tmp/ksmith-adversarial-file"));
}
