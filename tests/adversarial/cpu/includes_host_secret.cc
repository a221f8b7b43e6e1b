// expect: compile_failed
#include "/etc/shadow"
extern "C" void scale_add(const float*, const float*, float*, long) {}
