// A warm, sandboxed Python with torch imported that forks a fresh child for each module.
//
// One host runs references, others a candidate each: they share no process, no namespace of any
// kind and no socket. docs/modules.md has the messages.
#ifndef KS_BACKEND_TORCH_MODULE_HOST_H_
#define KS_BACKEND_TORCH_MODULE_HOST_H_

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "backend/torch/module_channel.h"
#include "backend/torch/module_device.h"
#include "backend/triton/python_env.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ks {

// A runner is our own code beside references: what a candidate's process does, without a candidate.
enum class ModuleRole { kReference, kCandidate, kRunner };

// How a child ended.
struct ModuleExit {
  bool killed = false;  // by us: it still ran
  int signal = 0;       // when a signal ended it
  int code = -1;        // when it exited
  int64_t peak_rss_bytes = 0;
};

// What runs for a child, seen from outside.
struct ModuleCensus {
  int threads = 0;    // of the child
  int processes = 0;  // beside it
};

class ModuleHost;

// One forked process and the socket to talk to it. Single thread.
class ModuleChild {
 public:
  ModuleChild(std::shared_ptr<ModuleHost> host, int64_t id, std::unique_ptr<ModuleChannel> channel)
      : host_(std::move(host)), id_(id), channel_(std::move(channel)) {}
  ~ModuleChild();
  ModuleChild(const ModuleChild&) = delete;
  ModuleChild& operator=(const ModuleChild&) = delete;

  ModuleChannel& channel() { return *channel_; }
  // Kills and reaps it; the host's last one with all it started. Zeros the second time. ERRORS:
  // kUnavailable (the host has ended).
  Result<ModuleExit> End();
  bool HasEnded() const { return channel_ == nullptr; }
  // What runs for the host's only child.
  ModuleCensus Census() const;
  // Stops the host's only child where it is, or lets it go on. False: it is not there.
  bool Pause(bool paused) const;

 private:
  const std::shared_ptr<ModuleHost> host_;
  const int64_t id_;
  std::unique_ptr<ModuleChannel> channel_;  // null once it has ended
};

// Thread-safe but for AwaitReady. The sandbox outlives it.
class ModuleHost : public std::enable_shared_from_this<ModuleHost> {
 public:
  // Starts the process; children use `device`. ERRORS: kFailedPrecondition (no torch, one too old,
  // no sandbox).
  static Result<std::shared_ptr<ModuleHost>> Launch(const Sandbox& sandbox,
                                                    const PythonEnvironment& python,
                                                    const ModuleDevice& device);
  // Waits until torch is imported. ERRORS: kFailedPrecondition (it does not start), kCancelled.
  Status AwaitReady(std::stop_token stop);
  // Both. ERRORS: as they.
  static Result<std::shared_ptr<ModuleHost>> Create(const Sandbox& sandbox,
                                                    const PythonEnvironment& python,
                                                    const ModuleDevice& device,
                                                    std::stop_token stop);
  ~ModuleHost();

  const std::string& torch_version() const { return torch_version_; }
  const std::string& triton_version() const { return triton_version_; }

  // Forks a child. It may map `memory_bytes` beyond what torch does; 0: no limit. References may
  // share a host, a candidate has one for itself. ERRORS: kUnavailable (the host has ended: make a
  // new one), kCancelled.
  Result<std::unique_ptr<ModuleChild>> Start(ModuleRole role, int64_t memory_bytes,
                                             std::stop_token stop);

 private:
  friend class ModuleChild;
  ModuleHost(std::unique_ptr<SandboxProcess> process, UniqueFd socket, ModuleDevice device,
             std::string executable, std::string filter);
  Result<std::string> AskHost(const std::string& message, std::span<const int> files,
                              std::stop_token stop);
  Result<ModuleExit> End(int64_t child);
  ModuleCensus Census() const;
  bool Pause(bool paused) const;

  const std::unique_ptr<SandboxProcess> process_;
  std::mutex mutex_;  // one question at a time
  ModuleChannel channel_;
  const ModuleDevice device_;
  const std::string executable_;
  const std::string filter_;  // hex, for a child to install
  std::string torch_version_, triton_version_;
};

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_HOST_H_
