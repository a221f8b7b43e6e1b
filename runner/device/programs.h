// Loaded candidates: their modules and kernels, and what one call of one is on one workload.
#ifndef KS_RUNNER_DEVICE_PROGRAMS_H_
#define KS_RUNNER_DEVICE_PROGRAMS_H_

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backend/device/program.h"
#include "buffers.h"

namespace ks {

// One step of a call, ready for the driver.
struct ReadyLaunch {
  KernelId kernel = -1;
  LaunchShape shape;
  std::vector<LaunchArgument> arguments;
};
using ReadyStep = std::variant<BufferView, ReadyLaunch>;  // a view: set it to zero

// A call of one program on one workload's buffers.
struct ReadyCall {
  RegionTable regions;  // guards, outputs and scratch
  std::vector<RegionLabel> labels;
  std::vector<ReadyStep> steps;

  // What lies in `buffer` now lies `by` bytes further on.
  void Move(BufferId buffer, int64_t by);
};

// A program on the device. Unloads its modules in the destructor. Single thread.
class Program {
 public:
  // ERRORS: kInternal: damaged bytes; kInvalidArgument: a module does not load (`*build_log` holds
  // the compiler's log when source did not build).
  static Result<std::unique_ptr<Program>> Load(DeviceApi& api, std::string_view bytes,
                                               const TaskLayout& task, std::string* build_log);
  ~Program();

  // As the driver sees the launches of one workload.
  DeviceFeatures Features(size_t workload) const;
  // Bytes of the scratch arena that a call needs.
  uint64_t ScratchBytes(size_t workload) const;
  // ERRORS: kInvalidArgument: arguments or sizes that the device or kernel does not take.
  Result<ReadyCall> Ready(size_t workload, const TaskLayout& task, const WorkloadBuffers& buffers,
                          const BufferView& scratch, Helpers& helpers) const;

 private:
  explicit Program(DeviceApi& api) : api_(api) {}
  Status CheckIndices(const TaskLayout& task) const;
  ArenaLayout ScratchLayout(size_t workload, std::vector<BufferView>* views) const;

  DeviceApi& api_;
  DeviceProgram program_;
  std::vector<ModuleId> modules_;
  std::vector<KernelInfo> kernels_;
};

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_PROGRAMS_H_
