// One task kept open on one runner of a device: its process, the contents of the time workloads and
// the programs loaded last.
#ifndef KS_EVALUATE_DEVICE_SESSION_H_
#define KS_EVALUATE_DEVICE_SESSION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/device/device_backend.h"

namespace ks {

// Contents of workloads by index, made by FillContents.
using ContentMap = std::map<size_t, std::shared_ptr<const std::vector<Bytes>>>;

// Contents of every workload of `role`: samples that the device spreads over its buffers, but for
// structural inputs (row pointers), which are drawn whole. Pure.
Result<ContentMap> FillContents(const Task& task, WorkloadRole role, uint64_t seed);

// Not thread-safe: everything but construction and destruction REQUIRES the device's lease. Task
// and backend outlive it. A runner is taken at the first use and given back at the end.
class DeviceSession {
 public:
  static constexpr size_t kLoadedPrograms = 6;
  static constexpr size_t kHostBytes = size_t{1} << 30;       // of contents kept for a new runner
  static constexpr size_t kSampleElements = size_t{1} << 20;  // of an input, drawn on the host

  DeviceSession(const Task& task, DeviceBackend& backend, uint64_t secret_seed)
      : task_(task), backend_(backend), content_seed_(secret_seed) {}
  ~DeviceSession() { GiveBack(); }
  DeviceSession(const DeviceSession&) = delete;
  DeviceSession& operator=(const DeviceSession&) = delete;

  // The runner with the task open. ERRORS: as DeviceBackend::TakeRunner.
  Result<DeviceRunner*> Runner(std::stop_token stop);
  // Loads `kernel`, or finds it among those loaded last. A runner that an Outcome killed is
  // dropped.
  DeviceResult<LoadedProgram> Load(const CompiledKernel& kernel, std::stop_token stop);
  // Puts `inputs` on the device; when there is no room, other workloads' contents go first.
  // ERRORS: kResourceExhausted when it does not fit even so.
  Status Upload(size_t workload, uint64_t placement, const std::vector<Bytes>& inputs,
                std::stop_token stop);
  // The resident content of a time or held-out workload, made from the session's seed when it is
  // not there.
  Status EnsureTimeContent(size_t workload, std::stop_token stop);
  // The runner is dead or not to be trusted: kills it. The next use takes another one.
  void Drop();
  // Returns the runner to the backend, which decides whether it is used again.
  void GiveBack();
  // Takes a runner that no candidate has seen and opens the task there; once more when the first is
  // out of order. Needs no lease.
  Result<std::unique_ptr<DeviceRunner>> FreshRunner(std::stop_token stop) const;
  // That runner and fresh contents from now on, and fresh ones where it must be replaced;
  // `prepared` (from `seed`) saves making contents. Returns the runner before, without its
  // contents, to be ended without the lease.
  std::unique_ptr<DeviceRunner> Renew(uint64_t seed, ContentMap prepared,
                                      std::unique_ptr<DeviceRunner> runner);

 private:
  struct Loaded {
    std::string binary_hash;
    LoadedProgram program;
  };

  const Task& task_;
  DeviceBackend& backend_;
  uint64_t content_seed_;
  ContentMap contents_;  // host copies, within kHostBytes
  std::unique_ptr<DeviceRunner> runner_;
  bool was_fresh_ = false;      // whoever takes its place must be, too
  std::vector<Loaded> loaded_;  // of runner_, used last at the end
};

}  // namespace ks

#endif  // KS_EVALUATE_DEVICE_SESSION_H_
