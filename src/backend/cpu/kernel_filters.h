// System calls of a process with candidate code in it: while it is loaded, and while it is called.
#ifndef KS_BACKEND_CPU_KERNEL_FILTERS_H_
#define KS_BACKEND_CPU_KERNEL_FILTERS_H_

#include "sandbox/seccomp_filter.h"

namespace ks {

// Everything not listed raises SIGSYS (rule "forbidden_syscall").
struct KernelFilters {
  FilterProgram load;  // reading libraries, mapping them, and the next filter
  FilterProgram call;  // memory without execute permission, locks, clocks, the end of the process
};

// `max_threads` > 1 adds what starting a thread needs. ERRORS: kInternal.
Result<KernelFilters> BuildKernelFilters(int max_threads);

}  // namespace ks

#endif  // KS_BACKEND_CPU_KERNEL_FILTERS_H_
