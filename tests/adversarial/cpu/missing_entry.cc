// expect: compile_failed launch_failed
#include <cstdint>
extern "C" void another_name(const float*, const float*, float*, int64_t) {}
