// expect: rejected
// ksmith: compiler /bin/sh
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
