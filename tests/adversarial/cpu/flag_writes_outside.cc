// expect: rejected
// ksmith: flags -O2 -o/tmp/ksmith-adversarial-file
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
