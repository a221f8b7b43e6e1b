// A warm, sandboxed Python with torch imported that forks a fresh child for each module.
//
// One host runs references, another candidates: they share no process, no namespace of any kind and
// no socket. docs/modules.md has the messages.
#ifndef KS_BACKEND_TORCH_MODULE_HOST_H_
#define KS_BACKEND_TORCH_MODULE_HOST_H_

#include <memory>
#include <stop_token>
#include <string>

#include "backend/torch/module_channel.h"
#include "backend/triton/python_env.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ks {

enum class ModuleRole { kReference, kCandidate };

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

// Single thread. The sandbox outlives it.
class ModuleHost {
 public:
  // Starts the process and waits until torch is imported. ERRORS: kFailedPrecondition (no torch,
  // one too old, no sandbox), kCancelled.
  static Result<std::unique_ptr<ModuleHost>> Create(const Sandbox& sandbox,
                                                    const PythonEnvironment& python,
                                                    std::stop_token stop);
  ~ModuleHost();

  const std::string& torch_version() const { return torch_version_; }
  const std::string& triton_version() const { return triton_version_; }

  // Forks a child and returns the socket to talk to it. It may map `memory_bytes` beyond what torch
  // does; 0: no limit. A child that is still there is ended first. ERRORS: kUnavailable (the host
  // has ended: make a new one), kCancelled.
  Result<std::unique_ptr<ModuleChannel>> Start(ModuleRole role, int64_t memory_bytes,
                                               std::stop_token stop);
  // Kills and reaps the child and all it started. ERRORS: as Start.
  Result<ModuleExit> End();
  // Zeros when there is no child.
  ModuleCensus Census() const;

 private:
  ModuleHost(std::unique_ptr<SandboxProcess> process, UniqueFd socket, std::string filter);
  Result<std::string> AskHost(const std::string& message, std::span<const int> files,
                              std::stop_token stop);

  const std::unique_ptr<SandboxProcess> process_;
  ModuleChannel channel_;
  const std::string filter_;  // hex, for a child to install
  std::string torch_version_, triton_version_;
  bool has_child_ = false;
};

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_HOST_H_
