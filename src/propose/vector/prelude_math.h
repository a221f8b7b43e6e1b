// Roots, exponentials, logarithms and rounding of prelude.cc: C++ for the candidate, inside
// namespace wide. Polynomials and range reductions after Cephes (Moshier).
#ifndef KS_PROPOSE_VECTOR_PRELUDE_MATH_H_
#define KS_PROPOSE_VECTOR_PRELUDE_MATH_H_

namespace ks {

inline constexpr char kPreludeBarrier[] = R"ks(
// Keeps -ffast-math from merging the two halves of a range reduction.
template <int U>
WIDE_INLINE Wide<U> Barrier(Wide<U> a) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_assoc_barrier)
  for (int u = 0; u < U; ++u) a.v[u] = __builtin_assoc_barrier(a.v[u]);
#elif __has_builtin(__arithmetic_fence)
  for (int u = 0; u < U; ++u) a.v[u] = __arithmetic_fence(a.v[u]);
#endif
#endif
  return a;
}
template <int U>
WIDE_INLINE WideInt<U> ShiftLeft(WideInt<U> a, int bits) {
  for (int u = 0; u < U; ++u) a.v[u] = a.v[u] << bits;
  return a;
}
template <int U>
WIDE_INLINE WideInt<U> ShiftRight(WideInt<U> a, int bits) {
  for (int u = 0; u < U; ++u) a.v[u] = a.v[u] >> bits;
  return a;
}
)ks";

inline constexpr char kPreludeSqrt[] = R"ks(
template <int U>
WIDE_INLINE Wide<U> Sqrt(Wide<U> a) {
  for (int u = 0; u < U; ++u) {
#if defined(__AVX512F__) && KS_LANES == 16
    a.v[u] = (VecF)_mm512_sqrt_ps((__m512)a.v[u]);
    continue;
#elif defined(__AVX__) && KS_LANES == 8
    a.v[u] = __builtin_ia32_sqrtps256(a.v[u]);
    continue;
#endif
    for (int l = 0; l < kLanes; ++l) a.v[u][l] = __builtin_sqrtf(a.v[u][l]);
  }
  return a;
}
)ks";

inline constexpr char kPreludeExp[] = R"ks(
// 2^n * exp(r), |r| <= ln(2) / 2, where n stands in the low bits of `shifted`.
template <int U>
WIDE_INLINE Wide<U> ExpOf(Wide<U> r, Wide<U> shifted) {
  // Twice the series: 2^(n - 1) follows, for 2^128 is no float.
  Wide<U> p = r * 3.9751383000e-4f + 2.7963999014e-3f;
  p = p * r + 1.66669038146e-2f;
  p = p * r + 8.3331591788e-2f;
  p = p * r + 3.3333330918e-1f;
  p = p * r + 1.00000002402f;
  p = p * (r * r) + (r * 2.0f + 2.0f);
  return p * FromBits(ShiftLeft(Bits(shifted) + int64_t{126}, 23));
}
// Infinity above 88.73, zero below -86.99.
template <int U>
WIDE_INLINE Wide<U> Exp(Wide<U> x) {
  x = Within(x, -87.3f, 89.0f);
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  const Wide<U> shifted = Barrier(x * 1.44269504088896341f + 12582912.0f);
  const Wide<U> n = Barrier(shifted - 12582912.0f);
  return ExpOf(Barrier(x - n * 0.693359375f) + n * 2.12194440e-4f, shifted);
}
// Infinity above 128, zero below -125.5.
template <int U>
WIDE_INLINE Wide<U> Exp2(Wide<U> x) {
  x = Within(x, -126.0f, 128.4f);
  const Wide<U> shifted = Barrier(x + 12582912.0f);
  return ExpOf((x - Barrier(shifted - 12582912.0f)) * 0.693147180559945f, shifted);
}
)ks";

inline constexpr char kPreludeLog[] = R"ks(
// log(x) = e * ln(2) + log(m), m in [sqrt(1/2), sqrt(2)). -infinity at 0, not-a-number below.
template <int U>
WIDE_INLINE Wide<U> Log(Wide<U> x) {
  const WideInt<U> raw = Bits(x);
  const WideInt<U> tiny = raw < int64_t{0x00800000};
  const WideInt<U> bits = Bits(Select(tiny, x * 8388608.0f, x)) - int64_t{0x3f3504f3};
  const Wide<U> e = ToFloat(ShiftRight(bits, 23)) - Select(tiny, Splat<U>(23.0f), Splat<U>(0.0f));
  const Wide<U> f = Barrier(FromBits((bits & int64_t{0x007fffff}) + int64_t{0x3f3504f3})) - 1.0f;
  const Wide<U> z = f * f;
  Wide<U> p = f * 7.0376836292e-2f + -1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f + -1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f + -1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f + -2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const Wide<U> y = Barrier(p * f * z + e * -2.12194440e-4f) - z * 0.5f;
  Wide<U> r = Barrier(f + y) + e * 0.693359375f;
  r = Select(raw >= int64_t{0x7f800000}, x, r);                        // inf, nan
  r = Select(raw < int64_t{0}, FromBits(SplatInt<U>(0x7fc00000)), r);  // negative
  const WideInt<U> zero = (raw & int64_t{0x7fffffff}) == int64_t{0};
  return Select(zero, FromBits(SplatInt<U>(static_cast<int32_t>(0xff800000u))), r);
}
)ks";

inline constexpr char kPreludeLog1p[] = R"ks(
// log(1 + x), with the rounding of 1 + x made good.
template <int U>
WIDE_INLINE Wide<U> Log1p(Wide<U> x) {
  const Wide<U> u = Barrier(x + 1.0f);
  const Wide<U> d = Barrier(u - 1.0f);
  const Wide<U> scaled = Log(u) * (x / d);
  const Wide<U> r = Select(Bits(u) >= int64_t{0x7f800000}, u, scaled);
  return Select(d == Splat<U>(0.0f), x, r);
}
)ks";

inline constexpr char kPreludeExpm1[] = R"ks(
// exp(x) - 1, with the rounding of exp(x) made good where it matters (Kahan).
template <int U>
WIDE_INLINE Wide<U> Expm1(Wide<U> x) {
  const Wide<U> u = Exp(x);
  const Wide<U> d = Barrier(u - 1.0f);
  const Wide<U> r = Select(Abs(x) < 0.5f, d * (x / Log(u)), d);
  return Select(d == Splat<U>(0.0f), x, r);
}
)ks";

inline constexpr char kPreludeLog2[] = R"ks(
template <int U>
WIDE_INLINE Wide<U> Log2(Wide<U> x) {
  return Log(x) * 1.44269504088896341f;
}
)ks";

inline constexpr char kPreludePow[] = R"ks(
// x^y for x >= 0; the error grows with |y * log(x)|.
template <int U>
WIDE_INLINE Wide<U> Pow(Wide<U> x, Wide<U> y) {
  return Exp(y * Log(x));
}
)ks";

inline constexpr char kPreludeRound[] = R"ks(
// From 2^23 on every float is an integer.
template <int U>
WIDE_INLINE Wide<U> Floor(Wide<U> x) {
  const Wide<U> t = ToFloat(ToInt(x));
  const Wide<U> down = Select(t > x, t - 1.0f, t);
  return Select(Abs(x) < 8388608.0f, down, x);
}
template <int U>
WIDE_INLINE Wide<U> Ceil(Wide<U> x) {
  const Wide<U> t = ToFloat(ToInt(x));
  const Wide<U> up = Select(t < x, t + 1.0f, t);
  return Select(Abs(x) < 8388608.0f, up, x);
}
)ks";

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_PRELUDE_MATH_H_
