// The trusted kernels that watch over buffers, as one text that is both CUDA C++ and OpenCL C.
#ifndef KS_RUNNER_DEVICE_HELPER_SOURCE_H_
#define KS_RUNNER_DEVICE_HELPER_SOURCE_H_

namespace ks {

// Threads of a block of every helper kernel, and fields of a row of a region table: base (0: the
// workload's arena, 1: scratch), offset, bytes, kind.
inline constexpr unsigned kHelperThreads = 128;
inline constexpr unsigned kRegionFields = 4;
// Kinds of regions for ks_prepare and ks_check.
inline constexpr unsigned kPoisonFloat = 0, kPoisonInteger = 1, kCanary = 2;
// Fields of a partial result of the comparing kernels: mismatches, first index, largest error,
// squares of errors, squares of wanted values.
inline constexpr unsigned kCompareFields = 5;

extern const char* const kHelperSource;

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_HELPER_SOURCE_H_
