// expect: rejected
// ksmith: flags -O2 -wrapper /bin/sh,-c,id
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
