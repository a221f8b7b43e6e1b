// expect: rejected crashed
// E5: leaves with code 0 before the answer.
#include <cstdint>
#include <cstdlib>
extern "C" void scale_add(const float*, const float*, float*, int64_t) { std::_Exit(0); }
