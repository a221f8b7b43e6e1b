// DeviceRunner on a `ksmith-device-runner` process: a socket for commands, a memory file for
// contents.
#ifndef KS_BACKEND_DEVICE_DEVICE_RUNNER_PROCESS_H_
#define KS_BACKEND_DEVICE_DEVICE_RUNNER_PROCESS_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backend/device/device_backend.h"
#include "backend/device/protocol.h"
#include "sandbox/launcher.h"
#include "sandbox/sandbox.h"
#include "sandbox/unique_fd.h"

namespace ks {

struct DeviceRunnerOptions {
  std::string api;            // "cuda", "opencl"
  int index = 0;              // among the devices of this api
  std::string compiler_path;  // CUDA: libnvrtc; empty: where the loader finds it
  std::string helper_image;   // from an earlier runner on this device; may be empty
  // "NAME=value" for the process outside a sandbox (LD_LIBRARY_PATH, CUDA_VISIBLE_DEVICES).
  std::vector<std::string> env;
  // Candidates of this device are native code of this machine (OpenCL on a CPU): the process runs
  // in this sandbox, and nothing it says is believed. Null: a GPU, the process runs our code only.
  const Sandbox* sandbox = nullptr;
  CloneThread* thread = nullptr;                   // makes the process when there is no sandbox
  int64_t memory_limit_bytes = int64_t{16} << 30;  // address space inside the sandbox
  double start_timeout_s = 180;
  // A program and its arguments that start the runner (a profiler; the last one is the runner's
  // file), outside of a sandbox. Empty: it is started itself.
  std::vector<std::string> started_by;
};

class DeviceRunnerProcess final : public DeviceRunner {
 public:
  // Starts the process and opens the device. REQUIRES: `sandbox` or `thread`, and what they point
  // at outlives the runner. ERRORS: kFailedPrecondition: no driver, no device, no compiler for the
  // helper kernels, with what to do about it; kUnavailable: it died; kCancelled.
  static Result<std::unique_ptr<DeviceRunnerProcess>> Start(const DeviceRunnerOptions& options,
                                                            std::stop_token stop);
  // What the device is, by a process that ends with it: quick, because no helper kernel is
  // compiled. ERRORS: as Start.
  static Result<DeviceInfo> Describe(const DeviceRunnerOptions& options, std::stop_token stop);
  ~DeviceRunnerProcess() override;

  Status OpenTask(const Task& task) override;
  Status SetContents(size_t workload, uint64_t placement, std::span<const Bytes> inputs) override;
  bool HasContents(size_t workload) const override { return contents_.contains(workload); }
  void DropContents(size_t workload) override;
  DeviceResult<LoadedProgram> Load(const CompiledKernel& kernel, std::stop_token stop) override;
  Status Unload(int program) override;
  DeviceResult<DeviceCall> Call(int program, size_t workload, uint64_t salt, double timeout_s,
                                std::stop_token stop) override;
  DeviceResult<PairRound> TimePairs(const PairRequest& request, std::stop_token stop) override;
  DeviceResult<Agreement> Compare(const PairRequest& request, const Tolerance& tolerance,
                                  std::stop_token stop) override;
  bool alive() const override { return !dead_; }

  // A known kernel on known data gave the known result.
  bool IsHealthy(std::stop_token stop);
  // Read + written by a copy inside the device.
  Result<double> MeasureCopyGbytes(std::stop_token stop);
  const DeviceInfo& info() const { return opened_.info; }
  // Asks the process to end by itself, as a profiler needs it, and waits. ERRORS: kUnavailable: it
  // did not, and was killed.
  Status End(double timeout_s);
  // Saves the next start on this device the compilation of the helper kernels.
  const std::string& helper_image() const { return opened_.helper_image; }
  // True once code of a candidate was loaded.
  bool has_loaded() const { return has_loaded_; }
  pid_t pid() const { return process_->pid(); }

 private:
  struct Staging;
  struct Request {
    DeviceCommand command = DeviceCommand::kProbe;
    std::string payload;
    double timeout_s = 0;
    const char* stage = "";  // of TimedOut
    size_t workload = 0;     // of Crashed
    bool runs_candidate = false;
  };

  DeviceRunnerProcess();
  Status Spawn(const DeviceRunnerOptions& options);
  static Result<std::unique_ptr<DeviceRunnerProcess>> Open(const DeviceRunnerOptions& options,
                                                           bool describe_only,
                                                           const std::stop_token& stop);
  // The answer's payload, or the candidate's fault.
  DeviceResult<std::string> Ask(const Request& request, const std::stop_token& stop);
  Result<Frame> Receive(double timeout_s, const std::stop_token& stop);
  DeviceResult<std::string> FinishDead(const Request& request, const Error& error);
  Error Garbled(const Error& error);
  // For commands that run no candidate code.
  Result<std::string> AskPlain(DeviceCommand command, std::string payload, double timeout_s,
                               const std::stop_token& stop = {});

  std::unique_ptr<SandboxProcess> process_;
  UniqueFd socket_;
  std::unique_ptr<Staging> staging_;
  OpenAnswer opened_;
  bool sandboxed_ = false;
  bool has_loaded_ = false;
  bool dead_ = false;
  Task task_;
  TaskLayout layout_;
  std::set<size_t> contents_;
};

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_DEVICE_RUNNER_PROCESS_H_
