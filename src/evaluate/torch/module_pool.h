// Hosts for candidates: each has one candidate's process at a time, and gets the next one ready.
#ifndef KS_EVALUATE_TORCH_MODULE_POOL_H_
#define KS_EVALUATE_TORCH_MODULE_POOL_H_

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <string>

#include "backend/torch/module_host.h"
#include "base/rng.h"
#include "evaluate/torch/module_sides.h"
#include "evaluate/torch/quiet_gate.h"

namespace ks {

// A child of `host`; one that has ended is replaced. ERRORS: as ModuleHost::Create.
Result<std::unique_ptr<ModuleChild>> StartModule(std::shared_ptr<ModuleHost>& host, ModuleRole role,
                                                 int64_t memory_bytes, const Sandbox& sandbox,
                                                 const PythonEnvironment& python,
                                                 const ModuleDevice& device, std::stop_token stop);

// Thread-safe. All arguments, and the pool, outlive what is taken. Hosts start when they are
// needed, the first ones at once where there is a CUDA device, and hold a process with a context
// ready.
class ModulePool {
 public:
  // `first` hosts at once. `gate` is shared while a process gets ready: that disturbs who is timed.
  ModulePool(const Sandbox& sandbox, const PythonEnvironment& python, const ModuleDevice& device,
             int64_t memory_bytes, int first, QuietGate& gate);
  ~ModulePool();
  ModulePool(const ModulePool&) = delete;
  ModulePool& operator=(const ModulePool&) = delete;

  // So many more processes may be taken at a time (fewer, when negative).
  void Allow(int more);
  // A process that has served nobody, of a host that chance picks among the idle ones: which one
  // tells nothing of the use. Waits while there is none. `workload` is for messages. ERRORS:
  // kUnavailable (the end of the process before it had begun), kCancelled, as StartModule.
  Result<std::unique_ptr<ModuleCandidate>> Take(const std::string& workload, std::stop_token stop);

 private:
  using Ready = Result<std::unique_ptr<ModuleCandidate>>;
  struct Place {
    std::shared_ptr<ModuleHost> host;  // null: not started
    std::future<Ready> spare;          // or none
    bool taken = false;
  };

  Place* AwaitIdle(const std::stop_token& stop);
  // With its device ready.
  Ready Start(Place& place, std::stop_token stop);
  // `ended` first ends what served before.
  void GetReady(Place& place, std::unique_ptr<ModuleChild> ended);
  void GiveBack(Place& place, std::unique_ptr<ModuleChild> child);

  const Sandbox& sandbox_;
  const PythonEnvironment& python_;
  const ModuleDevice& device_;
  const int64_t memory_bytes_;
  QuietGate& gate_;
  std::stop_source stop_;  // of what gets ready
  std::counting_semaphore<> starting_;
  std::mutex mutex_;  // guards all below; a taken place is its taker's
  std::condition_variable_any idle_;
  Rng rng_;
  int allowed_ = 0, taken_ = 0;
  std::deque<Place> places_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_POOL_H_
