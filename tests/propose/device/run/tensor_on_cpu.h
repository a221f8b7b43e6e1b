// The warp-wide instructions of tensor cores for device code on a CPU (device_on_cpu.h): ldmatrix
// and mma.sync with the fragments of the PTX ISA ("Matrix Fragments for mma.m16n8k8, m16n8k16").
// Products are exact: f32 is not rounded to tf32.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_TENSOR_ON_CPU_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_TENSOR_ON_CPU_H_

#ifdef KS_DEVICE_CODE

struct __nv_bfloat16 {
  unsigned short bits = 0;
  __nv_bfloat16() = default;
  explicit __nv_bfloat16(float value) {
    unsigned whole;
    memcpy(&whole, &value, 4);
    bits = (unsigned short)((whole + 0x7fffu + (whole >> 16 & 1)) >> 16);
  }
};
inline float __bfloat162float(__nv_bfloat16 value) {
  const unsigned whole = (unsigned)value.bits << 16;
  float out;
  memcpy(&out, &whole, 4);
  return out;
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline unsigned __float_as_uint(float value) {
  unsigned out;
  memcpy(&out, &value, 4);
  return out;
}
inline float ks_uint_as_float(unsigned value) {
  float out;
  memcpy(&out, &value, 4);
  return out;
}
inline float __uint_as_float(unsigned value) { return ks_uint_as_float(value); }
inline void __pipeline_memcpy_async(void* to, const void* from, size_t bytes) {
  memcpy(to, from, bytes);
}
inline void __pipeline_commit() {}
inline void __pipeline_wait_prior(int) {}
inline size_t __cvta_generic_to_shared(const void* at) {
  return (size_t)((const char*)at - (const char*)ks_runtime->dynamic_shared);
}

template <typename T>
inline T ks_from_shared(unsigned long long at) {
  T out;
  memcpy(&out, (const char*)ks_runtime->dynamic_shared + at, sizeof out);
  return out;
}

// ldmatrix.x4: four 8 x 8 blocks of 16-bit elements; lane 8 * m + r points at row r of block m.
inline void ks_ldmatrix(bool transposed, unsigned& a, unsigned& b, unsigned& c, unsigned& d,
                        unsigned address) {
  unsigned long long* const lanes = ks_runtime->lanes();
  const int own = ks_lane_id();
  lanes[own] = address;
  ks_runtime->wait_for_lanes(0xffffffffu);
  unsigned* const out[4] = {&a, &b, &c, &d};
  for (int m = 0; m < 4; ++m) {
    if (!transposed) {
      *out[m] = ks_from_shared<unsigned>(lanes[8 * m + own / 4] + 4 * (own % 4));
      continue;
    }
    const unsigned low = ks_from_shared<unsigned short>(lanes[8 * m + own % 4 * 2] + 2 * (own / 4));
    const unsigned high =
        ks_from_shared<unsigned short>(lanes[8 * m + own % 4 * 2 + 1] + 2 * (own / 4));
    *out[m] = low | high << 16;
  }
  ks_runtime->wait_for_lanes(0xffffffffu);
}

// Element k of the depth in a lane's register: bf16 pairs, or f32.
inline float ks_part(bool pairs, unsigned value, int k) {
  if (!pairs) return ks_uint_as_float(value);
  return ks_uint_as_float(k % 2 == 0 ? value << 16 : value & 0xffff0000u);
}

// mma.sync: 16 x depth by depth x 8, added to the sums.
inline void ks_mma(bool pairs, float& d0, float& d1, float& d2, float& d3, unsigned a0, unsigned a1,
                   unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
  static unsigned given[32][32][6];
  const KsRuntime& r = *ks_runtime;
  const int own = ks_lane_id();
  auto& lanes =
      given[((r.thread.z * r.block_size.y + r.thread.y) * r.block_size.x + r.thread.x) / 32];
  const unsigned values[6] = {a0, a1, a2, a3, b0, b1};
  memcpy(lanes[own], values, sizeof values);
  r.wait_for_lanes(0xffffffffu);
  const int each = pairs ? 2 : 1, depth = 8 * each, half = 4 * each;
  float* const sums[4] = {&d0, &d1, &d2, &d3};
  for (int e = 0; e < 4; ++e) {
    const int row = own / 4 + 8 * (e / 2), column = own % 4 * 2 + e % 2;
    for (int k = 0; k < depth; ++k) {
      const unsigned* const left = lanes[row % 8 * 4 + k % half / each];
      const unsigned* const right = lanes[column * 4 + k % half / each];
      *sums[e] += ks_part(pairs, left[row / 8 + 2 * (k / half)], k) *
                  ks_part(pairs, right[4 + k / half], k);
    }
  }
  r.wait_for_lanes(0xffffffffu);
}

#endif  // KS_DEVICE_CODE

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_TENSOR_ON_CPU_H_
