#include "propose/vector/prelude_text.h"

namespace ks {

// KS_LANES is replaced.
const char kPreludeCore[] = R"ks(
constexpr int kLanes = KS_LANES;  // floats in one vector register
typedef float VecF __attribute__((vector_size(kLanes * 4)));
typedef int32_t VecI __attribute__((vector_size(kLanes * 4)));
// The same in memory: any alignment, any object.
typedef float MemF __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t MemI __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
#define WIDE_INLINE inline __attribute__((always_inline))

// U vector registers side by side: floats, and 32-bit integers (also lane masks: 0 or -1).
template <int U>
struct Wide {
  VecF v[U];
};
template <int U>
struct WideInt {
  VecI v[U];
};
// What a block handles: U whole vectors, or the first `count` lanes of one vector.
template <int U, bool kWhole>
struct Shape {
  static constexpr int kVectors = U;
  static constexpr bool kIsWhole = kWhole;
};

template <int U>
WIDE_INLINE Wide<U> Splat(float x) {
  Wide<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = x - VecF{};
  return r;
}
template <int U>
WIDE_INLINE WideInt<U> SplatInt(int32_t x) {
  WideInt<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = x + VecI{};
  return r;
}
template <int U>
WIDE_INLINE WideInt<U> SplatMask(bool x) {
  return SplatInt<U>(x ? -1 : 0);
}
// first, first + 1, ...
template <int U>
WIDE_INLINE WideInt<U> Iota(int64_t first) {
  VecI lane;
  for (int l = 0; l < kLanes; ++l) lane[l] = l;
  WideInt<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = lane + static_cast<int32_t>(first + u * kLanes);
  return r;
}

#define WIDE_BINARY(op)                                    \
  template <int U>                                         \
  WIDE_INLINE Wide<U> operator op(Wide<U> a, Wide<U> b) {  \
    for (int u = 0; u < U; ++u) a.v[u] = a.v[u] op b.v[u]; \
    return a;                                              \
  }                                                        \
  template <int U>                                         \
  WIDE_INLINE Wide<U> operator op(Wide<U> a, float b) {    \
    return a op Splat<U>(b);                               \
  }                                                        \
  template <int U>                                         \
  WIDE_INLINE Wide<U> operator op(float a, Wide<U> b) {    \
    return Splat<U>(a) op b;                               \
  }                                                        \
  template <int U, class B>                                \
  WIDE_INLINE Wide<U>& operator op##=(Wide<U>& a, B b) {   \
    return a = a op b;                                     \
  }
WIDE_BINARY(+)
WIDE_BINARY(-)
WIDE_BINARY(*)
WIDE_BINARY(/)
#undef WIDE_BINARY
template <int U>
WIDE_INLINE Wide<U> operator-(Wide<U> a) {
  for (int u = 0; u < U; ++u) a.v[u] = -a.v[u];
  return a;
}

#define WIDE_INT_BINARY(op)                                        \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(WideInt<U> a, WideInt<U> b) { \
    for (int u = 0; u < U; ++u) a.v[u] = a.v[u] op b.v[u];         \
    return a;                                                      \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(WideInt<U> a, int64_t b) {    \
    return a op SplatInt<U>(static_cast<int32_t>(b));              \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(int64_t a, WideInt<U> b) {    \
    return SplatInt<U>(static_cast<int32_t>(a)) op b;              \
  }
WIDE_INT_BINARY(+)
WIDE_INT_BINARY(-)
WIDE_INT_BINARY(*)
WIDE_INT_BINARY(&)
WIDE_INT_BINARY(|)
#undef WIDE_INT_BINARY
template <int U>
WIDE_INLINE WideInt<U> operator~(WideInt<U> a) {
  for (int u = 0; u < U; ++u) a.v[u] = ~a.v[u];
  return a;
}

#define WIDE_COMPARE(op)                                           \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(Wide<U> a, Wide<U> b) {       \
    WideInt<U> r;                                                  \
    for (int u = 0; u < U; ++u) r.v[u] = a.v[u] op b.v[u];         \
    return r;                                                      \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(Wide<U> a, float b) {         \
    return a op Splat<U>(b);                                       \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(float a, Wide<U> b) {         \
    return Splat<U>(a) op b;                                       \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(WideInt<U> a, WideInt<U> b) { \
    for (int u = 0; u < U; ++u) a.v[u] = a.v[u] op b.v[u];         \
    return a;                                                      \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(WideInt<U> a, int64_t b) {    \
    return a op SplatInt<U>(static_cast<int32_t>(b));              \
  }                                                                \
  template <int U>                                                 \
  WIDE_INLINE WideInt<U> operator op(int64_t a, WideInt<U> b) {    \
    return SplatInt<U>(static_cast<int32_t>(a)) op b;              \
  }
WIDE_COMPARE(<)
WIDE_COMPARE(>)
WIDE_COMPARE(<=)
WIDE_COMPARE(>=)
WIDE_COMPARE(==)
WIDE_COMPARE(!=)
#undef WIDE_COMPARE

// Lane by lane: mask ? a : b.
template <int U>
WIDE_INLINE Wide<U> Select(WideInt<U> mask, Wide<U> a, Wide<U> b) {
  for (int u = 0; u < U; ++u) a.v[u] = mask.v[u] ? a.v[u] : b.v[u];
  return a;
}
template <int U>
WIDE_INLINE WideInt<U> Select(WideInt<U> mask, WideInt<U> a, WideInt<U> b) {
  for (int u = 0; u < U; ++u) a.v[u] = mask.v[u] ? a.v[u] : b.v[u];
  return a;
}
template <int U>
WIDE_INLINE Wide<U> Max(Wide<U> a, Wide<U> b) {
  for (int u = 0; u < U; ++u) a.v[u] = a.v[u] > b.v[u] ? a.v[u] : b.v[u];
  return a;
}
template <int U>
WIDE_INLINE Wide<U> Min(Wide<U> a, Wide<U> b) {
  for (int u = 0; u < U; ++u) a.v[u] = a.v[u] < b.v[u] ? a.v[u] : b.v[u];
  return a;
}
// low or high where x lies outside; NaN stays.
template <int U>
WIDE_INLINE Wide<U> Within(Wide<U> x, float low, float high) {
  const VecF least = low - VecF{}, most = high - VecF{};
  for (int u = 0; u < U; ++u) x.v[u] = most < x.v[u] ? most : x.v[u];
  for (int u = 0; u < U; ++u) x.v[u] = least > x.v[u] ? least : x.v[u];
  return x;
}
template <int U>
WIDE_INLINE Wide<U> ToFloat(WideInt<U> a) {
  Wide<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = __builtin_convertvector(a.v[u], VecF);
  return r;
}
template <int U>
WIDE_INLINE WideInt<U> ToInt(Wide<U> a) {
  WideInt<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = __builtin_convertvector(a.v[u], VecI);
  return r;
}
template <int U>
WIDE_INLINE WideInt<U> Bits(Wide<U> a) {
  WideInt<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = (VecI)a.v[u];
  return r;
}
template <int U>
WIDE_INLINE Wide<U> FromBits(WideInt<U> a) {
  Wide<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = (VecF)a.v[u];
  return r;
}
template <int U>
WIDE_INLINE Wide<U> Abs(Wide<U> a) {
  return FromBits(Bits(a) & int64_t{0x7fffffff});
}
)ks";

const char kPreludeMemory[] = R"ks(
// Loads never touch memory behind a lane that is off.
WIDE_INLINE VecF LoadLanes(const float* p, VecI mask) {
#if defined(__AVX512F__) && KS_LANES == 16
  return (VecF)_mm512_maskz_loadu_ps(
      _mm512_cmplt_epi32_mask((__m512i)mask, _mm512_setzero_si512()), p);
#elif defined(__AVX2__) && KS_LANES == 8
  return __builtin_ia32_maskloadps256((const VecF*)p, mask);
#endif
  VecF r = {};
  for (int l = 0; l < kLanes; ++l) {
    if (mask[l]) r[l] = p[l];
  }
  return r;
}
WIDE_INLINE void StoreLanes(float* p, VecF value, VecI mask) {
#if defined(__AVX512F__) && KS_LANES == 16
  return _mm512_mask_storeu_ps(
      p, _mm512_cmplt_epi32_mask((__m512i)mask, _mm512_setzero_si512()), (__m512)value);
#elif defined(__AVX2__) && KS_LANES == 8
  return __builtin_ia32_maskstoreps256((VecF*)p, mask, value);
#endif
  for (int l = 0; l < kLanes; ++l) {
    if (mask[l]) p[l] = value[l];
  }
}
template <int U>
WIDE_INLINE Wide<U> LoadIf(const float* p, WideInt<U> mask) {
  Wide<U> r;
  for (int u = 0; u < U; ++u) r.v[u] = LoadLanes(p + u * kLanes, mask.v[u]);
  return r;
}
template <int U>
WIDE_INLINE WideInt<U> LoadIf(const int32_t* p, WideInt<U> mask) {
  WideInt<U> r;
  for (int u = 0; u < U; ++u) {
    r.v[u] = (VecI)LoadLanes(reinterpret_cast<const float*>(p) + u * kLanes, mask.v[u]);
  }
  return r;
}
template <int U>
WIDE_INLINE Wide<U> LoadStridedIf(const float* p, int64_t stride, WideInt<U> mask) {
  Wide<U> r = Splat<U>(0.0f);
  for (int u = 0; u < U; ++u) {
    for (int l = 0; l < kLanes; ++l) {
      if (mask.v[u][l]) r.v[u][l] = p[(u * kLanes + l) * stride];
    }
  }
  return r;
}
template <int U>
WIDE_INLINE void StoreIf(float* p, Wide<U> value, WideInt<U> mask) {
  for (int u = 0; u < U; ++u) StoreLanes(p + u * kLanes, value.v[u], mask.v[u]);
}
template <class T, int U>
WIDE_INLINE void StoreIf(T* p, WideInt<U> value, WideInt<U> mask) {
  for (int u = 0; u < U; ++u) {
    for (int l = 0; l < kLanes; ++l) {
      if (mask.v[u][l]) p[u * kLanes + l] = value.v[u][l];
    }
  }
}
template <class S>
WIDE_INLINE Wide<S::kVectors> Load(S, const float* p, WideInt<S::kVectors> live) {
  if constexpr (!S::kIsWhole) return LoadIf(p, live);
  Wide<S::kVectors> r;
  for (int u = 0; u < S::kVectors; ++u) r.v[u] = *reinterpret_cast<const MemF*>(p + u * kLanes);
  return r;
}
template <class S>
WIDE_INLINE WideInt<S::kVectors> Load(S, const int32_t* p, WideInt<S::kVectors> live) {
  if constexpr (!S::kIsWhole) return LoadIf(p, live);
  WideInt<S::kVectors> r;
  for (int u = 0; u < S::kVectors; ++u) r.v[u] = *reinterpret_cast<const MemI*>(p + u * kLanes);
  return r;
}
template <class S>
WIDE_INLINE Wide<S::kVectors> LoadStrided(S, const float* p, int64_t stride,
                                          WideInt<S::kVectors> live) {
  if constexpr (!S::kIsWhole) return LoadStridedIf(p, stride, live);
  Wide<S::kVectors> r;
  for (int u = 0; u < S::kVectors; ++u) {
    for (int l = 0; l < kLanes; ++l) r.v[u][l] = p[(u * kLanes + l) * stride];
  }
  return r;
}
template <class S>
WIDE_INLINE void Store(S, float* p, Wide<S::kVectors> value, WideInt<S::kVectors> live) {
  if constexpr (S::kIsWhole) {
    for (int u = 0; u < S::kVectors; ++u) *reinterpret_cast<MemF*>(p + u * kLanes) = value.v[u];
  } else {
    StoreIf(p, value, live);
  }
}
template <class S, class T>
WIDE_INLINE void Store(S, T* p, WideInt<S::kVectors> value, WideInt<S::kVectors> live) {
  if constexpr (S::kIsWhole) {
    for (int u = 0; u < S::kVectors; ++u) {
      for (int l = 0; l < kLanes; ++l) p[u * kLanes + l] = value.v[u][l];
    }
  } else {
    StoreIf(p, value, live);
  }
}
// An accumulator after one step: lanes that are off keep what they had.
template <class S, class W>
WIDE_INLINE W Keep(S, WideInt<S::kVectors> live, W next, W old) {
  if constexpr (S::kIsWhole) return next;
  return Select(live, next, old);
}

// Calls block(shape, i, live) over [low, high): kVectors vectors at a time, then one, then a
// tail.
template <int kVectors, class Block>
WIDE_INLINE void Sweep(int64_t low, int64_t high, Block block) {
  int64_t i = low;
  for (; i + kVectors * kLanes <= high; i += kVectors * kLanes) {
    block(Shape<kVectors, true>{}, i, SplatInt<kVectors>(-1));
  }
  if constexpr (kVectors > 1) {
    for (; i + kLanes <= high; i += kLanes) block(Shape<1, true>{}, i, SplatInt<1>(-1));
  }
  if (i < high) block(Shape<1, false>{}, i, Iota<1>(0) < high - i);
}
)ks";

const char kPreludeScratch[] = R"ks(
constexpr int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t Greatest(int64_t a, int64_t b) { return a > b ? a : b; }
// Memory on cache lines that is kept between calls and grows when it must.
template <class T>
struct Scratch {
  void* block = nullptr;
  int64_t room = 0;
  ~Scratch() { __builtin_free(block); }
  T* OfSize(int64_t count) {
    if (count > room) {
      __builtin_free(block);
      block = __builtin_malloc(static_cast<size_t>(count) * sizeof(T) + 64);
      if (block == nullptr) __builtin_abort();
      room = count;
    }
    const auto address = reinterpret_cast<uintptr_t>(block);
    return reinterpret_cast<T*>((address + 63) / 64 * 64);
  }
};
)ks";

const char kPreludeRows[] = R"ks(
template <int N>
struct RowCount {
  static constexpr int value = N;
};
// Calls block(number of rows as a constant, first row) over [low, high).
template <int kRows, class Block>
WIDE_INLINE void SweepRows(int64_t low, int64_t high, Block block) {
  int64_t i = low;
  for (; i + kRows <= high; i += kRows) block(RowCount<kRows>{}, i);
  for (; i < high; ++i) block(RowCount<1>{}, i);
}
)ks";

const char kPreludeFold[] = R"ks(
  // The first U vectors of an accumulator of V, and back: a remainder block uses fewer.
  template <int U, class W>
  struct HeadOf;
  template <int U, int V>
  struct HeadOf<U, Wide<V>> {
    using Type = Wide<U>;
  };
  template <int U, int V>
  struct HeadOf<U, WideInt<V>> {
    using Type = WideInt<U>;
  };
  template <int U, class W>
  WIDE_INLINE typename HeadOf<U, W>::Type Head(const W& a) {
    typename HeadOf<U, W>::Type r;
    for (int u = 0; u < U; ++u) r.v[u] = a.v[u];
    return r;
  }
  template <class W, class H>
  WIDE_INLINE void SetHead(W& a, const H& part) {
    for (size_t u = 0; u < sizeof part.v / sizeof part.v[0]; ++u) a.v[u] = part.v[u];
  }
  // Op over the lanes of one register, by halves.
template <class V, class Op>
WIDE_INLINE float FoldLanes(V a, Op op) {
  constexpr int n = sizeof(V) / sizeof(float);
  if constexpr (n == 16) {
    return FoldLanes(op(__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7),
                        __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15)),
                     op);
  } else if constexpr (n == 8) {
    return FoldLanes(op(__builtin_shufflevector(a, a, 0, 1, 2, 3),
                        __builtin_shufflevector(a, a, 4, 5, 6, 7)),
                     op);
  } else {
    a = op(a, __builtin_shufflevector(a, a, 2, 3, 0, 1));
    a = op(a, __builtin_shufflevector(a, a, 1, 0, 3, 2));
    return a[0];
  }
}
template <int U, class Op>
WIDE_INLINE float Fold(Wide<U> a, Op op) {
  VecF all = a.v[0];
  for (int u = 1; u < U; ++u) all = op(all, a.v[u]);
  return FoldLanes(all, op);
}
template <int U>
WIDE_INLINE float Sum(Wide<U> a) {
  return Fold(a, [](auto x, auto y) { return x + y; });
}
template <int U>
WIDE_INLINE float Product(Wide<U> a) {
  return Fold(a, [](auto x, auto y) { return x * y; });
}
template <int U>
WIDE_INLINE float MaxOf(Wide<U> a) {
  return Fold(a, [](auto x, auto y) { return x > y ? x : y; });
}
template <int U>
WIDE_INLINE float MinOf(Wide<U> a) {
  return Fold(a, [](auto x, auto y) { return x < y ? x : y; });
}
)ks";

const char kPreludeRagged[] = R"ks(
// Sweep for short ranges of uneven length: one vector at a time, then a masked one.
template <class Block>
WIDE_INLINE void SweepRagged(int64_t low, int64_t high, Block block) {
  int64_t i = low;
  for (; i + kLanes <= high; i += kLanes) block(Shape<1, true>{}, i, SplatInt<1>(-1));
  if (i < high) block(Shape<1, false>{}, i, Iota<1>(0) < high - i);
}
)ks";

const char kPreludeScan[] = R"ks(
// 0, 1, ... kLanes - 1 as template arguments.
template <int... kLane>
struct LaneList {};
template <int kCount, int... kLane>
struct LanesBelow : LanesBelow<kCount - 1, kCount - 1, kLane...> {};
template <int... kLane>
struct LanesBelow<0, kLane...> {
  using List = LaneList<kLane...>;
};
// Lane l of the result is lane l - kStep of v; the first lanes come from `fill`.
template <int kStep, class V, int... kLane>
WIDE_INLINE V ShiftUp(V v, V fill, LaneList<kLane...>) {
  return __builtin_shufflevector(v, fill, (kLane < kStep ? kLanes + kLane : kLane - kStep)...);
}
template <class V, int... kLane>
WIDE_INLINE V LastLane(V v, LaneList<kLane...>) {
  return __builtin_shufflevector(v, v, (kLane, kLanes - 1)...);
}
// Running op over the lanes, going on from (and moving) `carry`, all lanes of which are equal.
// kOwn: with the lane's own element, else only with those before it.
template <bool kOwn, int U, class Op>
WIDE_INLINE Wide<U> Scan(Wide<U> a, float identity, Wide<1>& carry, Op op) {
  constexpr LanesBelow<kLanes>::List kAll{};
  const VecF fill = Splat<1>(identity).v[0];
  for (int u = 0; u < U; ++u) {
    VecF v = a.v[u];
    v = op(v, ShiftUp<1>(v, fill, kAll));
    v = op(v, ShiftUp<2>(v, fill, kAll));
    if constexpr (kLanes > 4) v = op(v, ShiftUp<4>(v, fill, kAll));
    if constexpr (kLanes > 8) v = op(v, ShiftUp<8>(v, fill, kAll));
    const VecF total = LastLane(v, kAll);
    if constexpr (!kOwn) v = ShiftUp<1>(v, fill, kAll);
    a.v[u] = op(carry.v[0], v);
    carry.v[0] = op(carry.v[0], total);
  }
  return a;
}
struct Plus {
  template <class V> V operator()(V a, V b) const { return a + b; }
};
struct Times {
  template <class V> V operator()(V a, V b) const { return a * b; }
};
struct Greater {
  template <class V> V operator()(V a, V b) const { return a > b ? a : b; }
};
struct Smaller {
  template <class V> V operator()(V a, V b) const { return a < b ? a : b; }
};
)ks";

const char kPreludeGather[] = R"ks(
// base[index]; lanes that are off read base[0], which exists where any lane is on.
template <int U>
WIDE_INLINE Wide<U> GatherAll(const float* base, WideInt<U> index) {
  Wide<U> r;
  for (int u = 0; u < U; ++u) {
#if defined(__AVX512F__) && KS_LANES == 16
    r.v[u] = (VecF)_mm512_i32gather_ps((__m512i)index.v[u], base, 4);
    continue;
#endif
    for (int l = 0; l < kLanes; ++l) r.v[u][l] = base[index.v[u][l]];
  }
  return r;
}
template <int U>
WIDE_INLINE Wide<U> GatherIf(const float* base, WideInt<U> index, WideInt<U> mask) {
  bool any = false;
  for (int u = 0; u < U; ++u) {
    for (int l = 0; l < kLanes; ++l) any = any || mask.v[u][l] != 0;
  }
  return any ? Select(mask, GatherAll(base, index & mask), Splat<U>(0.0f)) : Splat<U>(0.0f);
}
template <class S, int U>
WIDE_INLINE Wide<U> Gather(S, const float* base, WideInt<U> index, WideInt<U> live) {
  if constexpr (S::kIsWhole) return GatherAll(base, index);
  return Select(live, GatherAll(base, index & live), Splat<U>(0.0f));
}
)ks";

const char kPreludeArg[] = R"ks(
// The winner among the lanes: greatest (sign 1) or smallest (-1) value; among equals the first or
// the last position.
template <int U, class T, class I>
WIDE_INLINE void PickLane(Wide<U> value, WideInt<U> at, float sign, bool last, T& best,
                          I& index) {
  best = value.v[0][0];
  index = at.v[0][0];
  for (int u = 0; u < U; ++u) {
    for (int l = 0; l < kLanes; ++l) {
      const float x = value.v[u][l];
      const I i = at.v[u][l];
      const bool nearer = last ? i > index : i < index;
      if (sign * x > sign * best || (x == best && nearer)) {
        best = x;
        index = i;
      }
    }
  }
}
)ks";

}  // namespace ks
