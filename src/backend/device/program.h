// A compiled device candidate: module images and, for every workload of its task, the launches as
// plain numbers. What the compile side writes and `ksmith-device-runner` executes.
#ifndef KS_BACKEND_DEVICE_PROGRAM_H_
#define KS_BACKEND_DEVICE_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/launch_plan.h"

namespace ks {

enum class ModuleKind : uint8_t { kCubin, kOpenClSource, kHsaco };

// What the driver loads. One a compiled variant; Triton has one a kernel and variant.
struct DeviceModule {
  ModuleKind kind = ModuleKind::kCubin;
  std::string image;
  std::string options;  // kOpenClSource: for clBuildProgram
};

struct DeviceKernel {
  uint32_t module = 0;
  std::string symbol;
  // Arguments that the compiler appended after the candidate's own (Triton's scratch pointers):
  // the runner passes zeros.
  uint32_t hidden_args = 0;
  std::string name;  // as in the launch directive, for messages
};

// Launches index `kernels`.
struct DeviceWorkload {
  std::vector<uint64_t> scratch_bytes;
  std::vector<BoundStep> steps;
};

struct DeviceProgram {
  std::vector<DeviceModule> modules;
  std::vector<DeviceKernel> kernels;
  std::vector<DeviceWorkload> workloads;  // one for each of the task's workloads, in order
};

// Format 1: little endian, length-prefixed; checked on reading.
std::string SerializeProgram(const DeviceProgram& program);
// ERRORS: kDataLoss with what does not fit (counts, indices, lengths).
Result<DeviceProgram> ParseProgram(std::string_view bytes);
// SHA-256 over images, symbols and launches: equal hashes, the same work on the device.
std::string ProgramHash(const DeviceProgram& program);

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_PROGRAM_H_
