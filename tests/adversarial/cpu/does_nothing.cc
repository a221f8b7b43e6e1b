// expect: wrong_result
// F6/R6: returns at once and hopes that the output still holds an answer.
#include <cstdint>
extern "C" void scale_add(const float*, const float*, float*, int64_t) {}
