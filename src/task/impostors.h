// Outputs that a task's check must refuse, made from the oracle's.
#ifndef KS_TASK_IMPOSTORS_H_
#define KS_TASK_IMPOSTORS_H_

#include <optional>
#include <string>
#include <vector>

#include "core/elements.h"
#include "core/fill.h"

namespace ks {

// Elements of `bytes` as doubles. `dtype` is the type that they are stored in.
std::vector<double> AsDoubles(DType dtype, const Bytes& bytes);
// `values` cast to `dtype`; integers saturate.
Bytes FromDoubles(DType dtype, const std::vector<double>& values);
// Significant bits of a precision name ("f32" 24, "tf32" 11, ...). REQUIRES: a known name.
int SignificantBits(const std::string& precision);
// `value` rounded to nearest with `bits` significant bits.
double RoundedTo(double value, int bits);

}  // namespace ks

#endif  // KS_TASK_IMPOSTORS_H_
