// From a SandboxSpec to a running child: everything that allocates happens here, before the clone.
#ifndef KS_SANDBOX_LAUNCHER_H_
#define KS_SANDBOX_LAUNCHER_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "sandbox/child.h"
#include "sandbox/sandbox.h"

namespace ks {

// The part of the root that is the same for all processes. Immutable after construction.
struct SystemRoot {
  std::vector<SandboxMount> mounts;                        // /usr, /etc/alternatives, ...
  std::vector<std::string> devices;                        // "/dev/null", ...
  std::vector<std::pair<std::string, std::string>> links;  // inside, target: /lib -> usr/lib
};
SystemRoot FindSystemRoot();

// One thread that makes all clones, because the parent-death signal of a child follows the thread
// that made it. Thread-safe.
class CloneThread {
 public:
  CloneThread();
  ~CloneThread();
  // Runs `job` on the thread and waits for it.
  void Run(const std::function<void()>& job);

 private:
  void Loop();

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

struct LaunchSettings {
  bool user_namespace = true;
  int last_capability = 40;
  SystemRoot root;
  FilterProgram compile_filter;
  FilterProgram runner_filter;
  FilterProgram device_filter;
};

// Starts `spec` from `thread`. ERRORS: as Sandbox::Start.
Result<std::unique_ptr<SandboxProcess>> Launch(const SandboxSpec& spec,
                                               const LaunchSettings& settings, CloneThread& thread);

}  // namespace ks

#endif  // KS_SANDBOX_LAUNCHER_H_
