// What one core of this machine can do at most, measured in about 0.1 s.
#ifndef KS_BACKEND_CPU_CEILINGS_H_
#define KS_BACKEND_CPU_CEILINGS_H_

#include "core/machine.h"

namespace ks {

struct Ceilings {
  double peak_gflops_f32 = 0;    // independent multiply-adds in the widest vectors, no memory
  double copy_gbytes_per_s = 0;  // read + written, buffers beyond the last-level cache
};

// Best of several short runs, so that a busy machine is underestimated as little as possible.
Ceilings MeasureCeilings(const Machine& machine);

}  // namespace ks

#endif  // KS_BACKEND_CPU_CEILINGS_H_
