#include "helper_source.h"

namespace ks {

const char* const kHelperSource = R"ks(
#ifdef __OPENCL_VERSION__
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define KS_KERNEL __kernel void
#define KS_DEVICE
#define KS_GLOBAL __global
#define KS_SHARED __local
#define KS_THREAD ((u32)get_local_id(0))
#define KS_BLOCK ((u32)get_group_id(0))
#define KS_BLOCKS ((u32)get_num_groups(0))
#define KS_ROW ((u32)get_group_id(1))
#define KS_SYNC barrier(CLK_LOCAL_MEM_FENCE)
#define KS_ATOMIC_MIN atomic_min
typedef uchar u8;
typedef ushort u16;
typedef uint u32;
typedef ulong u64;
typedef int s32;
typedef long s64;
#else
#define KS_KERNEL extern "C" __global__ void
#define KS_DEVICE __device__ static inline
#define KS_GLOBAL
#define KS_SHARED __shared__
#define KS_THREAD threadIdx.x
#define KS_BLOCK blockIdx.x
#define KS_BLOCKS gridDim.x
#define KS_ROW blockIdx.y
#define KS_SYNC __syncthreads()
#define KS_ATOMIC_MIN atomicMin
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
#endif
#define KS_THREADS 128
#define KS_FIRST ((u64)KS_BLOCK * KS_THREADS + KS_THREAD)
#define KS_STRIDE ((u64)KS_BLOCKS * KS_THREADS)

KS_DEVICE u64 Mix(u64 x) {
  x += 0x9E3779B97F4A7C15UL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
  return x ^ (x >> 31);
}
KS_DEVICE u8 Canary(u64 salt, u64 row, u64 i) { return (u8)Mix(salt ^ (row << 32) ^ i); }

/* Poisons outputs and scratch, renews guards: a row of the table a row of blocks. */
KS_KERNEL ks_prepare(KS_GLOBAL u8* arena, KS_GLOBAL u8* scratch, KS_GLOBAL const u64* table,
                     u64 salt) {
  KS_GLOBAL const u64* row = table + 4 * (u64)KS_ROW;
  KS_GLOBAL u8* data = (row[0] == 0 ? arena : scratch) + row[1];
  u64 bytes = row[2];
  u64 i;
  if (row[3] == 2) {
    for (i = KS_FIRST; i < bytes; i += KS_STRIDE) data[i] = Canary(salt, KS_ROW, i);
  } else {
    /* Not a number in every float type, whichever half or whole is looked at. */
    u32 word = row[3] == 0 ? 0xFFF8FFC0U | (u32)(salt & 0x3F) : 0xA5A5A5A5U;
    KS_GLOBAL u32* words = (KS_GLOBAL u32*)data;
    for (i = KS_FIRST; i < bytes / 4; i += KS_STRIDE) words[i] = word;
    if (KS_FIRST < bytes % 4) {
      i = bytes / 4 * 4 + KS_FIRST;
      data[i] = (u8)(word >> (8 * (i % 4)));
    }
  }
}

/* The least (key << 12 | row) of a broken guard goes to *broken. */
KS_KERNEL ks_check(KS_GLOBAL const u8* arena, KS_GLOBAL const u8* scratch,
                   KS_GLOBAL const u64* table, u64 salt, u32 key, KS_GLOBAL u32* broken) {
  KS_GLOBAL const u64* row = table + 4 * (u64)KS_ROW;
  KS_GLOBAL const u8* data = (row[0] == 0 ? arena : scratch) + row[1];
  u64 i;
  if (row[3] != 2) return;
  for (i = KS_FIRST; i < row[2]; i += KS_STRIDE) {
    if (data[i] != Canary(salt, KS_ROW, i)) KS_ATOMIC_MIN(broken, (key << 12) | (u32)KS_ROW);
  }
}

/* A sum over elements, of `table`'s fourth field in bytes each; with positions, or blind to their
   order. One partial sum a block. */
KS_KERNEL ks_hash(KS_GLOBAL const u8* arena, KS_GLOBAL const u64* table, u32 positional,
                  u64 salt, KS_GLOBAL u64* partial) {
  KS_SHARED u64 sums[KS_THREADS];
  KS_GLOBAL const u64* row = table + 4 * (u64)KS_ROW;
  KS_GLOBAL const u8* data = arena + row[1];
  u64 count = row[2] / row[3];
  u64 sum = 0;
  u64 i;
  u32 step;
  for (i = KS_FIRST; i < count; i += KS_STRIDE) {
    u64 value;
    if (row[3] == 8) {
      value = ((KS_GLOBAL const u64*)data)[i];
    } else if (row[3] == 4) {
      value = ((KS_GLOBAL const u32*)data)[i];
    } else if (row[3] == 2) {
      value = ((KS_GLOBAL const u16*)data)[i];
    } else {
      value = data[i];
    }
    sum += Mix(value ^ salt ^ (positional ? Mix(i) : 0));
  }
  sums[KS_THREAD] = sum;
  KS_SYNC;
  for (step = KS_THREADS / 2; step > 0; step /= 2) {
    if (KS_THREAD < step) sums[KS_THREAD] += sums[KS_THREAD + step];
    KS_SYNC;
  }
  if (KS_THREAD == 0) partial[(u64)KS_ROW * KS_BLOCKS + KS_BLOCK] = sums[0];
}

/* Exchanges two elements of every neighbourhood of 128. */
KS_KERNEL ks_exchange(KS_GLOBAL u8* arena, KS_GLOBAL const u64* table, u64 seed) {
  KS_GLOBAL const u64* row = table + 4 * (u64)KS_ROW;
  KS_GLOBAL u8* data = arena + row[1];
  u64 count = row[2] / row[3];
  u64 n;
  for (n = KS_FIRST; n * 128 < count; n += KS_STRIDE) {
    u64 draw = Mix(seed ^ Mix(((u64)KS_ROW << 40) ^ n));
    u64 size = count - n * 128 < 128 ? count - n * 128 : 128;
    u64 a = n * 128 + (draw & 0xFFFFFFFFUL) % size;
    u64 b = size < 2 ? a : n * 128 + (a - n * 128 + 1 + (draw >> 32) % (size - 1)) % size;
    if (row[3] == 8) {
      KS_GLOBAL u64* items = (KS_GLOBAL u64*)data;
      u64 held = items[a];
      items[a] = items[b];
      items[b] = held;
    } else if (row[3] == 4) {
      KS_GLOBAL u32* items = (KS_GLOBAL u32*)data;
      u32 held = items[a];
      items[a] = items[b];
      items[b] = held;
    } else if (row[3] == 2) {
      KS_GLOBAL u16* items = (KS_GLOBAL u16*)data;
      u16 held = items[a];
      items[a] = items[b];
      items[b] = held;
    } else {
      u8 held = data[a];
      data[a] = data[b];
      data[b] = held;
    }
  }
}

/* Every element of `data`, of `element` bytes, becomes one of the `count` of the sample. */
KS_KERNEL ks_expand(KS_GLOBAL u8* data, u64 elements, KS_GLOBAL const u8* sample, u64 count,
                    u32 element, u64 seed) {
  u64 i;
  for (i = KS_FIRST; i < elements; i += KS_STRIDE) {
    u64 from = ((Mix(seed ^ i) >> 32) * count) >> 32;
    if (element == 8) {
      ((KS_GLOBAL u64*)data)[i] = ((KS_GLOBAL const u64*)sample)[from];
    } else if (element == 4) {
      ((KS_GLOBAL u32*)data)[i] = ((KS_GLOBAL const u32*)sample)[from];
    } else if (element == 2) {
      ((KS_GLOBAL u16*)data)[i] = ((KS_GLOBAL const u16*)sample)[from];
    } else {
      data[i] = sample[from];
    }
  }
}

/* A 16-bit float with this many bits of fraction, as a double. */
KS_DEVICE double SmallFloat(u16 bits, int fraction_bits) {
  int exponent = (bits & 0x7FFF) >> fraction_bits;
  int most = 0x7FFF >> fraction_bits;
  int fraction = bits & ((1 << fraction_bits) - 1);
  int low = 1 - most / 2 - fraction_bits;
  double value;
  if (exponent == most) {
    value = fraction != 0 ? 0.0 / 0.0 : 1.0 / 0.0;
  } else if (exponent == 0) {
    value = ldexp((double)fraction, low);
  } else {
    value = ldexp((double)(fraction + (1 << fraction_bits)), low + exponent - 1);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

/* An element as a double. Types: 0 f32, 1 f64, 2 f16, 3 bf16, 4 i32, 5 i64, 6 u8. */
KS_DEVICE double Value(KS_GLOBAL const u8* data, u64 i, u32 type) {
  if (type == 0) return (double)((KS_GLOBAL const float*)data)[i];
  if (type == 1) return ((KS_GLOBAL const double*)data)[i];
  if (type == 2) return SmallFloat(((KS_GLOBAL const u16*)data)[i], 10);
  if (type == 3) return SmallFloat(((KS_GLOBAL const u16*)data)[i], 7);
  if (type == 4) return (double)((KS_GLOBAL const s32*)data)[i];
  if (type == 5) return (double)((KS_GLOBAL const s64*)data)[i];
  return (double)data[i];
}
/* Integers, bit by bit. */
KS_DEVICE int Same(KS_GLOBAL const u8* a, KS_GLOBAL const u8* b, u64 i, u32 type) {
  if (type == 4) return ((KS_GLOBAL const s32*)a)[i] == ((KS_GLOBAL const s32*)b)[i];
  if (type == 5) return ((KS_GLOBAL const s64*)a)[i] == ((KS_GLOBAL const s64*)b)[i];
  return a[i] == b[i];
}

/* Partial sums of squares, non-finite values left out. */
KS_KERNEL ks_squares(KS_GLOBAL const u8* want, u64 count, u32 type, KS_GLOBAL double* partial) {
  KS_SHARED double sums[KS_THREADS];
  double sum = 0;
  u64 i;
  u32 step;
  for (i = KS_FIRST; i < count; i += KS_STRIDE) {
    double w = Value(want, i, type);
    if (w - w == 0) sum += w * w;
  }
  sums[KS_THREAD] = sum;
  KS_SYNC;
  for (step = KS_THREADS / 2; step > 0; step /= 2) {
    if (KS_THREAD < step) sums[KS_THREAD] += sums[KS_THREAD + step];
    KS_SYNC;
  }
  if (KS_THREAD == 0) partial[KS_BLOCK] = sums[0];
}

/* Integers must be equal; else |got - want| <= absolute + relative * max(|want|, least), and
   non-finite values must be the same infinity. Five results a block: see kCompareFields. */
KS_KERNEL ks_compare(KS_GLOBAL const u8* got, KS_GLOBAL const u8* want, u64 count, u32 type,
                     double absolute, double relative, double least, KS_GLOBAL double* partial) {
  KS_SHARED double bad[KS_THREADS];
  KS_SHARED double first[KS_THREADS];
  KS_SHARED double worst[KS_THREADS];
  KS_SHARED double errors[KS_THREADS];
  KS_SHARED double wants[KS_THREADS];
  u32 t = KS_THREAD;
  int exact = type >= 4;
  u32 step;
  u64 i;
  bad[t] = 0;
  first[t] = (double)count;
  worst[t] = 0;
  errors[t] = 0;
  wants[t] = 0;
  for (i = KS_FIRST; i < count; i += KS_STRIDE) {
    double g = Value(got, i, type);
    double w = Value(want, i, type);
    int finite = g - g == 0 && w - w == 0;
    double error = g > w ? g - w : w - g;
    double size = w < 0 ? -w : w;
    int wrong;
    if (w - w == 0) wants[t] += w * w;
    if (exact ? Same(got, want, i, type) : g == w) continue;
    if (!finite) error = 1.0 / 0.0;
    if (size < least) size = least;
    wrong = exact || !finite || !(error <= absolute + relative * size);
    if (error > worst[t]) worst[t] = error;
    errors[t] += error * error;
    if (!wrong) continue;
    bad[t] += 1;
    if ((double)i < first[t]) first[t] = (double)i;
  }
  KS_SYNC;
  for (step = KS_THREADS / 2; step > 0; step /= 2) {
    if (t < step) {
      bad[t] += bad[t + step];
      if (first[t + step] < first[t]) first[t] = first[t + step];
      if (worst[t + step] > worst[t]) worst[t] = worst[t + step];
      errors[t] += errors[t + step];
      wants[t] += wants[t + step];
    }
    KS_SYNC;
  }
  if (t == 0) {
    KS_GLOBAL double* out = partial + 5 * (u64)KS_BLOCK;
    out[0] = bad[0];
    out[1] = first[0];
    out[2] = worst[0];
    out[3] = errors[0];
    out[4] = wants[0];
  }
}

/* The health check: a known kernel on known data. */
KS_KERNEL ks_probe(KS_GLOBAL const u32* in, KS_GLOBAL u32* out, u32 count) {
  u64 i;
  for (i = KS_FIRST; i < count; i += KS_STRIDE) out[i] = in[i] * 2654435761U + (u32)i;
}
)ks";

}  // namespace ks
