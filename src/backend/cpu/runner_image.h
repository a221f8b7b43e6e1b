// The bytes of the `ksmith-runner` executable, carried inside this program.
#ifndef KS_BACKEND_CPU_RUNNER_IMAGE_H_
#define KS_BACKEND_CPU_RUNNER_IMAGE_H_

#include <string_view>

#include "base/result.h"
#include "sandbox/unique_fd.h"

namespace ks {

std::string_view RunnerImage();

// A sealed memory file with the image, to be executed. ERRORS: kResourceExhausted, kInternal.
Result<UniqueFd> NewRunnerFile();

}  // namespace ks

#endif  // KS_BACKEND_CPU_RUNNER_IMAGE_H_
