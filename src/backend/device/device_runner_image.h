// The bytes of the `ksmith-device-runner` executable, carried inside this program.
#ifndef KS_BACKEND_DEVICE_DEVICE_RUNNER_IMAGE_H_
#define KS_BACKEND_DEVICE_DEVICE_RUNNER_IMAGE_H_

#include "base/result.h"
#include "sandbox/unique_fd.h"

namespace ks {

// A sealed memory file with the image, to be executed. ERRORS: kResourceExhausted, kInternal.
Result<UniqueFd> NewDeviceRunnerFile();

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_DEVICE_RUNNER_IMAGE_H_
