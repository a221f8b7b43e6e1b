// Lets the device code of one candidate, CUDA C++ or OpenCL C, compile as C++ and run on a CPU. The
// threads of a block are fibres of the program that loads the code (device_equality.cc): they
// change only where they wait for each other. What is missing here does not compile.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_ON_CPU_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_ON_CPU_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <cmath>

struct KsPoint {
  unsigned x = 0, y = 0, z = 0;
  unsigned operator[](int dimension) const { return dimension == 0 ? x : dimension == 1 ? y : z; }
};

// Of the thread that runs.
struct KsRuntime {
  KsPoint thread, block, block_size, grid_size;
  void* dynamic_shared;
  void (*wait_for_block)();
  void (*wait_for_lanes)(unsigned mask);
  void (*let_others_run)();
  unsigned long long* (*lanes)();  // one value for each thread of the warp
};

#ifdef KS_DEVICE_CODE

static KsRuntime* ks_runtime;
extern "C" void ks_bind(KsRuntime* runtime) { ks_runtime = runtime; }

// A pointer for a parameter of any pointer type.
struct KsBuffer {
  void* data;
  template <typename T>
  operator T*() const {
    return static_cast<T*>(data);
  }
};

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
// A section of its own, so that blocks that run together can each have theirs.
#define __shared__ static __attribute__((section("ks_shared")))
extern "C" char __start_ks_shared[] __attribute__((weak));
extern "C" char __stop_ks_shared[] __attribute__((weak));
extern "C" void ks_shared_memory(char** begin, char** end) {
  *begin = __start_ks_shared;
  *end = __stop_ks_shared;
}
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define threadIdx (ks_runtime->thread)
#define blockIdx (ks_runtime->block)
#define blockDim (ks_runtime->block_size)
#define gridDim (ks_runtime->grid_size)

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

inline void __syncthreads() { ks_runtime->wait_for_block(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { ks_runtime->wait_for_lanes(mask); }

inline int ks_lane_id() {
  const KsRuntime& r = *ks_runtime;
  return (int)((r.thread.z * r.block_size.y + r.thread.y) * r.block_size.x + r.thread.x) % 32;
}
// What the lane `from(own lane)` brings; lanes outside of a group of `width` give back the own
// value.
template <typename T, typename From>
inline T ks_exchange(unsigned mask, T value, int width, From from) {
  static_assert(sizeof(T) <= 8);
  unsigned long long* const lanes = ks_runtime->lanes();
  const int own = ks_lane_id();
  lanes[own] = 0;
  memcpy(&lanes[own], &value, sizeof value);
  ks_runtime->wait_for_lanes(mask);
  const int other = from(own % width);
  T result = value;
  if (other >= 0 && other < width)
    memcpy(&result, &lanes[own / width * width + other], sizeof value);
  ks_runtime->wait_for_lanes(mask);
  return result;
}
template <typename T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
  return ks_exchange(mask, value, width, [&](int) { return lane % width; });
}
template <typename T>
inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  return ks_exchange(mask, value, width, [&](int own) { return own ^ lanes; });
}
template <typename T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ks_exchange(mask, value, width, [&](int own) { return own - (int)delta; });
}
template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ks_exchange(mask, value, width, [&](int own) { return own + (int)delta; });
}

template <typename T>
inline T __ldg(const T* at) {
  return *at;
}
template <typename T>
inline T __ldcs(const T* at) {
  return *at;
}
template <typename T>
inline void __stcs(T* at, T value) {
  *at = value;
}
template <typename T, typename U>
inline T atomicAdd(T* at, U value) {
  const T old = *at;
  *at = old + (T)value;
  return old;
}
inline void __nanosleep(unsigned) { ks_runtime->let_others_run(); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline float __fdividef(float a, float b) { return a / b; }

// OpenCL C. `__local` arrays of a kernel have become static before the text comes here.
#define __kernel
#define __global
#define __local
#define restrict __restrict__
typedef unsigned uint;
#define CLK_LOCAL_MEM_FENCE 1
#define CLK_GLOBAL_MEM_FENCE 2
inline void barrier(int) { ks_runtime->wait_for_block(); }
inline size_t get_local_id(int d) { return ks_runtime->thread[d]; }
inline size_t get_group_id(int d) { return ks_runtime->block[d]; }
inline size_t get_local_size(int d) { return ks_runtime->block_size[d]; }
inline size_t get_num_groups(int d) { return ks_runtime->grid_size[d]; }
inline size_t get_global_id(int d) { return get_group_id(d) * get_local_size(d) + get_local_id(d); }
inline size_t get_global_size(int d) { return get_num_groups(d) * get_local_size(d); }
inline int atomic_add(int* at, int value) { return atomicAdd(at, value); }
inline int atomic_inc(int* at) { return atomicAdd(at, 1); }
using std::exp;
using std::fabs;
using std::fmax;
using std::fmin;
using std::log;
using std::sqrt;
using std::tanh;

#endif  // KS_DEVICE_CODE

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_DEVICE_ON_CPU_H_
