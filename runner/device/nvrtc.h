// CUDA C++ to a cubin by NVRTC, opened at run time.
#ifndef KS_RUNNER_DEVICE_NVRTC_H_
#define KS_RUNNER_DEVICE_NVRTC_H_

#include <string>

#include "base/result.h"

namespace ks {

// `library`: path of libnvrtc; empty: where the loader finds it. `arch`: "sm_90". ERRORS:
// kFailedPrecondition: NVRTC is not there or does not know the architecture; kInvalidArgument: the
// source does not compile (the log says why).
Result<std::string> CompileCubin(const std::string& library, const std::string& source,
                                 const std::string& arch);

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_NVRTC_H_
