// Buffers, programs, checks and timing on one device: all of the runner that is not a driver and
// not the protocol.
#ifndef KS_RUNNER_DEVICE_SESSION_H_
#define KS_RUNNER_DEVICE_SESSION_H_

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/device/device_backend.h"
#include "backend/device/protocol.h"
#include "programs.h"

namespace ks {

// Single thread. `api` and `helpers` must outlive it. A DeviceResult's second alternative is the
// fault of the candidate; after Crashed nothing works any more. ERRORS of all:
// kFailedPrecondition: a handle, workload or contents that are not there; kInternal.
class Session {
 public:
  Session(DeviceApi& api, Helpers& helpers) : api_(api), helpers_(helpers) {}
  ~Session();

  // Drops everything of the task before.
  void OpenTask(TaskLayout task);
  const TaskLayout& task() const { return task_; }
  // Sizes of the workload's inputs or outputs in bytes.
  Result<std::vector<uint64_t>> InputBytes(size_t workload) const;
  Result<std::vector<uint64_t>> OutputBytes(size_t workload) const;
  // All buffers move to places that `placement` picks; it also picks from inputs that are samples
  // (shorter than their buffers). ERRORS: also kResourceExhausted; kFailedPrecondition: sizes that
  // do not fit.
  Status SetContents(size_t workload, uint64_t placement,
                     std::span<const std::span<const std::byte>> inputs);
  void DropContents(size_t workload);

  DeviceResult<LoadedProgram> Load(std::string_view bytes);
  Status Unload(int program);
  // Writes the outputs to `outputs` (host memory of the right sizes); returns the call's device
  // time in nanoseconds.
  DeviceResult<double> Call(int program, size_t workload, uint64_t salt,
                            std::span<std::byte* const> outputs);
  DeviceResult<PairRound> TimePairs(const PairRequest& request);
  DeviceResult<Agreement> Compare(const PairRequest& request, const Tolerance& tolerance);
  // Read + written, of a copy inside the device.
  Result<double> MeasureCopyGbytes();

 private:
  struct Side {
    const ReadyCall* call = nullptr;
    bool candidate = false;
  };
  struct Pair {
    WorkloadBuffers* buffers = nullptr;
    Side rival, candidate;
  };

  Status CheckInputs(size_t workload, std::span<const std::span<const std::byte>> inputs) const;
  Result<WorkloadBuffers*> BuffersOf(size_t workload);
  Result<const ReadyCall*> ReadyFor(int program, size_t workload);
  Status EnsureScratch(uint64_t bytes);
  void DropCalls(int program, int workload);
  Result<Pair> ReadyPair(const PairRequest& request);
  Status RunSteps(const ReadyCall& call);
  // Poison, guards, the call in span `slot`, and the check of the guards under `key`.
  Status RunGuarded(const ReadyCall& call, const BufferView& arena, uint64_t salt, size_t slot,
                    uint32_t key);
  Status FlushCaches();
  Status TimeOne(const ReadyCall& call, const BufferView& arena, uint64_t salt, size_t slot,
                 uint32_t key);
  OutOfBounds Describe(const ReadyCall& call, size_t workload, uint32_t broken) const;
  Result<std::variant<double, Outcome>> CallInner(int program, size_t workload, uint64_t salt,
                                                  std::span<std::byte* const> outputs);
  Result<std::variant<PairRound, Outcome>> TimeInner(const PairRequest& request);
  Result<std::variant<Agreement, Outcome>> CompareInner(const PairRequest& request,
                                                        const Tolerance& tolerance);
  Status CollectTimes(const PairRequest& request, const std::vector<double>& clocks,
                      PairRound* round);
  Result<OutputDifference> CompareOne(const WorkloadBuffers& buffers, size_t output,
                                      const Tolerance& tolerance);
  template <typename T>
  DeviceResult<T> Judged(Result<std::variant<T, Outcome>> result, size_t workload) const;

  DeviceApi& api_;
  Helpers& helpers_;
  TaskLayout task_;
  std::map<size_t, std::unique_ptr<WorkloadBuffers>> buffers_;
  std::map<int, std::unique_ptr<Program>> programs_;
  std::map<std::pair<int, size_t>, ReadyCall> calls_;  // by program and workload
  int next_program_ = 1;
  // Before and with the shift that the last placement picked.
  BufferView ScratchView() const { return {scratch_, scratch_shift_, scratch_bytes_}; }
  void MoveScratch(uint64_t placement);

  BufferId scratch_ = -1;
  uint64_t scratch_bytes_ = 0, scratch_shift_ = 0;
  BufferId flush_ = -1;
};

}  // namespace ks

#endif  // KS_RUNNER_DEVICE_SESSION_H_
