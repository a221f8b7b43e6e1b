// expect: rejected
// T2: a thread does the work after the call has returned.
// ksmith: flags -O2
#include <cstdint>
#include <thread>
extern "C" void scale_add(const float* x, const float* y, float* out, int64_t n) {
  std::thread([=] {
    for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];
  }).detach();
}
