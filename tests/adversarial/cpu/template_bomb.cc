// expect: compile_failed timed_out out_of_memory
#include <cstdint>
template <int A, int B>
struct Bomb {
  static constexpr int64_t value = Bomb<A - 1, B * 2>::value + Bomb<A - 1, B * 2 + 1>::value;
};
template <int B>
struct Bomb<0, B> {
  static constexpr int64_t value = B;
};
extern "C" void scale_add(const float*, const float*, float* out, int64_t) {
  out[0] = static_cast<float>(Bomb<24, 1>::value);
}
