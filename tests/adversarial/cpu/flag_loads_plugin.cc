// expect: rejected
// ksmith: flags -O2 -fplugin=/tmp/evil.so
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
