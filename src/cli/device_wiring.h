// Devices by name: which there are, and the backends on them.
#ifndef KS_CLI_DEVICE_WIRING_H_
#define KS_CLI_DEVICE_WIRING_H_

#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/toolkit.h"
#include "backend/device/device_backend.h"
#include "backend/triton/python_env.h"
#include "report/show.h"

namespace ks {

// A device backend by name, on one of its devices. ERRORS: kInvalidArgument (unknown name),
// kFailedPrecondition (no driver, no such device, no compiler: how to mend it).
Result<std::unique_ptr<DeviceBackend>> OpenDeviceBackend(const std::string& name, int device,
                                                         std::unique_ptr<ProcessBackend> host);

// The CUDA compilers that the environment and the usual places offer.
CudaToolkit FindToolkit();
// The Python of the backend "triton": KSMITH_PYTHON, else that of the active virtual environment,
// else python3. ERRORS: as ProbePython.
Result<PythonEnvironment> FindPython();

// Asks every driver, in a process each; nothing is measured. About 0.3 s a device.
std::vector<DeviceListing> FindDevices();

}  // namespace ks

#endif  // KS_CLI_DEVICE_WIRING_H_
