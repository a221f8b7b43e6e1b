// Expected outputs from the task's fp64 reference, computed in a process of its own.
#ifndef KS_EVALUATE_ORACLE_H_
#define KS_EVALUATE_ORACLE_H_

#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <vector>

#include "backend/backend.h"
#include "core/fill.h"

namespace ks {

// Thread-safe: calls are serialised. The reference is compiled at the first call; a process holds
// the workloads that are small, another one the large workload that was asked for last. Memory is
// laid out when a workload is first asked for: a task's sizes for devices may be gigabytes. A dead
// process is replaced once a call. The candidate never sees what is computed here.
class Oracle {
 public:
  Oracle(const Task& task, ProcessBackend& backend) : task_(task), backend_(backend) {}

  // Outputs (float dtypes as doubles, integers as they are) for `inputs` in task order and dtypes.
  // ERRORS: kFailedPrecondition when the reference does not compile or fails: the task is broken.
  Result<std::vector<Bytes>> Expected(const Workload& workload,
                                      std::span<const std::span<const std::byte>> inputs,
                                      std::stop_token stop);

 private:
  // Workloads that share an arena and a process.
  struct Place {
    std::vector<size_t> workloads;  // of the task, in the arena's order
    std::unique_ptr<Arena> arena;
    std::unique_ptr<KernelRunner> runner;
  };

  Status Compile(std::stop_token stop);
  bool IsSmall(const Workload& workload) const;
  // Where that workload is, made ready; `at`: its number there.
  Result<Place*> PlaceOf(size_t workload, size_t* at);
  Status StartRunner(Place& place);

  const Task& task_;
  ProcessBackend& backend_;
  std::mutex mutex_;
  std::unique_ptr<CompiledKernel> reference_;  // all below guarded by mutex_
  Place small_, large_;
};

// Views of owned buffers, as the functions above take them.
std::vector<std::span<const std::byte>> Views(const std::vector<Bytes>& buffers);

}  // namespace ks

#endif  // KS_EVALUATE_ORACLE_H_
