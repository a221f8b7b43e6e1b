// The odd and periodic functions of prelude.cc: C++ for the candidate, inside namespace wide. Sin,
// cos and the tail of erfc after Cephes (Moshier), rational minimax forms for tanh and erf.
#ifndef KS_PROPOSE_VECTOR_PRELUDE_SPECIAL_H_
#define KS_PROPOSE_VECTOR_PRELUDE_SPECIAL_H_

namespace ks {

inline constexpr char kPreludeTanh[] = R"ks(
// Odd rational form on [-7.9, 7.9]. From 9.02 on tanh is 1 in float, and must be: x * (1 + tanh(x))
// multiplies what is missing by x.
template <int U>
WIDE_INLINE Wide<U> Tanh(Wide<U> x) {
  const Wide<U> c = Within(x, -7.90531110763549805f, 7.90531110763549805f);
  const Wide<U> z = c * c;
  Wide<U> p = z * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * z + -8.60467152213735e-11f;
  p = p * z + 5.12229709037114e-08f;
  p = p * z + 1.48572235717979e-05f;
  p = p * z + 6.37261928875436e-04f;
  p = (p * z + 4.89352455891786e-03f) * c;
  Wide<U> q = z * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * z + 2.26843463243900e-03f;
  q = q * z + 4.89352518554385e-03f;
  const Wide<U> inside = Select(Abs(x) < 0.0004f, x, p / q);
  return Select(Abs(x) > 9.02f, Within(x, -1.0f, 1.0f), inside);
}
)ks";

inline constexpr char kPreludeErf[] = R"ks(
// Odd rational form on [-4, 4]; beyond, erf is 1 in float.
template <int U>
WIDE_INLINE Wide<U> Erf(Wide<U> x) {
  const Wide<U> c = Within(x, -4.0f, 4.0f);
  const Wide<U> z = c * c;
  Wide<U> p = z * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * z + -2.10102402082508e-06f;
  p = p * z + -5.69250639462346e-05f;
  p = p * z + -7.34990630326855e-04f;
  p = p * z + -2.95459980854025e-03f;
  p = (p * z + -1.60960333262415e-02f) * c;
  Wide<U> q = z * -1.45660718464996e-05f + -2.13374055278905e-04f;
  q = q * z + -1.68282697438203e-03f;
  q = q * z + -7.37332916720468e-03f;
  q = q * z + -1.42647390514189e-02f;
  return Select(Abs(x) > 4.0f, Within(x, -1.0f, 1.0f), p / q);
}
)ks";

inline constexpr char kPreludeSin[] = R"ks(
// Quarter turns n (in the low bits of `quarter`) and the rest r, |r| <= pi / 4: after Cody and Waite,
// exact enough below 8000.
template <int U>
struct Turn {
  Wide<U> sine, cosine;  // of the rest
  WideInt<U> quarter;
};
template <int U>
WIDE_INLINE Turn<U> TurnOf(Wide<U> x) {
  const Wide<U> shifted = Barrier(x * 0.636619772367581f + 12582912.0f);
  const Wide<U> n = Barrier(shifted - 12582912.0f);
  Wide<U> r = Barrier(x - n * 1.5703125f);
  r = Barrier(r - n * 4.837512969970703125e-4f);
  r = r - n * 7.549789948768648e-8f;
  const Wide<U> z = r * r;
  Wide<U> s = z * -1.9515295891e-4f + 8.3321608736e-3f;
  s = s * z + -1.6666654611e-1f;
  Wide<U> c = z * 2.443315711809948e-5f + -1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  return {s * z * r + r, c * z * z + (1.0f - z * 0.5f), Bits(shifted)};
}
template <int U>
WIDE_INLINE bool AnyBeyond(Wide<U> x, float limit) {
  bool any = false;
  for (int u = 0; u < U; ++u) {
    for (int l = 0; l < kLanes; ++l) any |= !(__builtin_fabsf(x.v[u][l]) < limit);
  }
  return any;
}
template <int U>
WIDE_INLINE Wide<U> Sin(Wide<U> x) {
  const Turn<U> t = TurnOf(x);
  Wide<U> r = Select((t.quarter & int64_t{1}) == int64_t{1}, t.cosine, t.sine);
  r = Select((t.quarter & int64_t{2}) == int64_t{2}, -r, r);
  if (AnyBeyond(x, 8000.0f)) {
    for (int u = 0; u < U; ++u) {
      for (int l = 0; l < kLanes; ++l) r.v[u][l] = __builtin_sinf(x.v[u][l]);
    }
  }
  return r;
}
template <int U>
WIDE_INLINE Wide<U> Cos(Wide<U> x) {
  const Turn<U> t = TurnOf(x);
  Wide<U> r = Select((t.quarter & int64_t{1}) == int64_t{1}, t.sine, t.cosine);
  r = Select(((t.quarter + int64_t{1}) & int64_t{2}) == int64_t{2}, -r, r);
  if (AnyBeyond(x, 8000.0f)) {
    for (int u = 0; u < U; ++u) {
      for (int l = 0; l < kLanes; ++l) r.v[u][l] = __builtin_cosf(x.v[u][l]);
    }
  }
  return r;
}
)ks";

inline constexpr char kPreludeErfc[] = R"ks(
// 1 - erf(x) near zero; beyond 1 exp(-x^2) / x times a series in 1 / x^2, so that the tail keeps its digits.
template <int U>
WIDE_INLINE Wide<U> Erfc(Wide<U> x) {
  const Wide<U> a = Abs(x);
  const Wide<U> q = 1.0f / Select(a < 1.0f, Splat<U>(1.0f), a);
  const Wide<U> z = q * q;
  Wide<U> near = z * 2.326819970068386e-2f + -1.387039388740657e-1f;
  near = near * z + 3.687424674597105e-1f;
  near = near * z + -5.824733027278666e-1f;
  near = near * z + 6.210004621745983e-1f;
  near = near * z + -4.944515323274145e-1f;
  near = near * z + 3.404879937665872e-1f;
  near = near * z + -2.741127028184656e-1f;
  near = near * z + 5.638259427386472e-1f;
  Wide<U> far = z * -1.047766399936249e+1f + 1.297719955372516e+1f;
  far = far * z + -7.495518717768503e+0f;
  far = far * z + 2.921019019210786e+0f;
  far = far * z + -1.015265279202700e+0f;
  far = far * z + 4.218463358204948e-1f;
  far = far * z + -2.820767439740514e-1f;
  far = far * z + 5.641895067754075e-1f;
  const Wide<U> tail = Exp(-(a * a)) * q * Select(a < 2.0f, near, far);
  const Wide<U> whole = Select(x < 0.0f, 2.0f - tail, tail);
  return Select(a < 1.0f, 1.0f - Erf(x), whole);
}
)ks";

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_PRELUDE_SPECIAL_H_
