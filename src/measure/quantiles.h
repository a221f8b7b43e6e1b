// Quantiles of the normal and Student distributions. Pure functions.
#ifndef KS_MEASURE_QUANTILES_H_
#define KS_MEASURE_QUANTILES_H_

namespace ks {

// The value that a standard normal variable exceeds with probability `upper`, relative error below
// 1e-8. REQUIRES: 0 < upper < 1.
double NormalUpperQuantile(double upper);
// The same for Student's t with `dof` degrees of freedom (relative error below 1e-6 down to upper =
// 1e-6).
double StudentUpperQuantile(double upper, int dof);

}  // namespace ks

#endif  // KS_MEASURE_QUANTILES_H_
