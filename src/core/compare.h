// The verdict of the check: a candidate's output against the fp64 oracle's. Pure functions.
#ifndef KS_CORE_COMPARE_H_
#define KS_CORE_COMPARE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "core/task.h"

namespace ks {

// How an output differs. Indices are flat, row-major.
struct Mismatch {
  int64_t first_index = -1;  // -1: only the norm bound is broken
  double got = 0;
  double want = 0;
  double allowed = 0;  // bound on |got - want| at first_index
  int64_t mismatches = 0;
  int64_t elements = 0;
  double max_error = 0;   // largest |got - want|; infinity when NaN or infinity was met
  double norm_error = 0;  // ||got - want|| / ||want||
  bool has_nan = false;
};

// `got` holds elements of `dtype`; `want` holds doubles (float dtypes) or the same integer type.
// A non-finite value on either side is a mismatch unless both are the same infinity. Empty optional
// = agreement. REQUIRES: equal element counts.
std::optional<Mismatch> CompareOutput(DType dtype, std::span<const std::byte> got,
                                      std::span<const std::byte> want, const Tolerance& tolerance);

}  // namespace ks

#endif  // KS_CORE_COMPARE_H_
