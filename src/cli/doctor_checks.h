// What a run needs of the machine, one check each, for `ksmith doctor`.
#ifndef KS_CLI_DOCTOR_CHECKS_H_
#define KS_CLI_DOCTOR_CHECKS_H_

#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/clock.h"
#include "cli/device_wiring.h"
#include "core/machine.h"

namespace ks {

struct DoctorCheck {
  enum class State {
    kFine,
    kWeak,    // runs work, but slower, noisier or with fewer choices
    kBroken,  // the CPU backend cannot work
  };
  std::string name;
  State state = State::kFine;
  std::string found;
  std::string mend;  // empty when fine
};
const char* DoctorStateName(DoctorCheck::State state);

DoctorCheck CheckCompilers(const Machine& machine);
DoctorCheck CheckCpu(const Machine& machine);
std::vector<DoctorCheck> CheckSandbox();
// Resolution, cost of reading, and rate against the raw hardware clock. About 0.1 s.
DoctorCheck CheckClock(const Clock& clock);
// Spread of a fixed piece of work, and that work compared with itself. About 0.2 s.
DoctorCheck CheckNoise(const Clock& clock);
// One driver interface: its devices, or how to get one. Weak at most: other backends go on without.
DoctorCheck CheckDevices(const DeviceListing& listing);
// NVRTC or nvcc for the backend "cuda".
DoctorCheck CheckCudaCompiler(const CudaToolkit& toolkit);
// Python and Triton for the backend "triton".
DoctorCheck CheckTriton(const Result<PythonEnvironment>& python);
// Python and torch for PyTorch modules.
DoctorCheck CheckTorch(const Result<PythonEnvironment>& python);
// Room for run folders under the current folder.
DoctorCheck CheckDisk();
// Compiles and checks the seed of a library task in the sandbox, as a run does.
DoctorCheck CheckTrial(ProcessBackend& backend);

}  // namespace ks

#endif  // KS_CLI_DOCTOR_CHECKS_H_
