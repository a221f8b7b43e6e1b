// expect: compile_failed timed_out out_of_memory rejected
#include "/dev/zero"
extern "C" void scale_add(const float*, const float*, float*, long) {}
