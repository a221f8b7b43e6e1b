#include "backend/torch/module_host.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backend/triton/worker_files.h"
#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr const char* kFolder = "/ksmith";
// Of all hosts together where user namespaces share the count.
constexpr int64_t kProcesses = 256;
// What Python and torch map before a module does anything.
constexpr int64_t kBaseMemoryBytes = int64_t{6} << 30;
constexpr int64_t kScratchBytes = int64_t{512} << 20;
constexpr double kStartTimeoutS = 120;
constexpr double kHostTimeoutS = 20;
constexpr size_t kMaxListBytes = 64u << 10;
constexpr int kStopLooks = 1000;  // at a process that is about to stop

// The driver, and a private place where Triton compiles what it launches; it is emptied between
// children.
void AddCuda(const ModuleDevice& device, SandboxSpec& spec) {
  spec.env.emplace_back("KSMITH_MODULE_DEVICE=cuda");
  spec.env.emplace_back("CUDA_VISIBLE_DEVICES=" + device.visible);
  spec.env.emplace_back("CUDA_CACHE_DISABLE=1");
  spec.env.emplace_back("TMPDIR=/tmp");
  spec.env.emplace_back("TRITON_HOME=/tmp");
  spec.env.emplace_back("TRITON_CACHE_DIR=/tmp/triton");
  spec.env.emplace_back("TORCHINDUCTOR_CACHE_DIR=/tmp/inductor");
  spec.env.emplace_back("TORCHINDUCTOR_COMPILE_THREADS=1");
  if (!device.library_folders.empty()) {
    spec.env.emplace_back("LD_LIBRARY_PATH=" + Join(device.library_folders, ":"));
    for (const std::string& folder : device.library_folders) {
      if (!folder.starts_with("/usr/")) spec.mounts.push_back({folder, folder, false});
    }
  }
  spec.devices = device.nodes;
  spec.processes_listed = true;
  spec.tmp_bytes = kScratchBytes;
  spec.tmp_executable = true;
  spec.limits.open_files = 1024;
  spec.profile = SeccompProfile::kDevice;
}

SandboxSpec HostSpec(const PythonEnvironment& python, const ModuleDevice& device, int socket) {
  SandboxSpec spec;
  spec.argv = {python.executable, "-I", "-B", "-c",
               fmt::format("import sys; sys.path.insert(0, '{}'); from kernelsmith.modules.host "
                           "import main; main()",
                           kFolder)};
  // One thread: what runs beside a module is the module's own doing.
  spec.env = {"LC_ALL=C.UTF-8",        "HOME=/",
              "PATH=/usr/bin:/bin",    "PYTHONHASHSEED=0",
              "OMP_NUM_THREADS=1",     "MKL_NUM_THREADS=1",
              "OPENBLAS_NUM_THREADS=1"};
  spec.mounts = PythonMounts(python);
  for (const auto& [name, text] : WorkerFiles()) {
    spec.files.push_back({fmt::format("{}/kernelsmith/{}", kFolder, name), text});
  }
  spec.fds = {socket};
  spec.capture_output = true;
  spec.limits.processes = kProcesses;
  spec.profile = SeccompProfile::kCompile;
  if (device.is_cuda()) {
    AddCuda(device, spec);
  } else {
    spec.env.emplace_back("TRITON_INTERPRET=1");
  }
  return spec;
}

// A program of the kernel as text; a child installs it when it has forked.
Result<std::string> ChildFilter() {
  KS_ASSIGN_OR_RETURN(const FilterProgram program,
                      BuildFilter(ProfileSpec(SeccompProfile::kRunner)));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(program.data());
  std::string hex;
  for (size_t i = 0; i < program.size() * sizeof(sock_filter); ++i) {
    hex += fmt::format("{:02x}", bytes[i]);
  }
  return hex;
}

// The ids in /proc/PID/task/PID/children.
std::vector<int64_t> ChildrenOf(int64_t pid) {
  std::vector<int64_t> children;
  const Result<std::string> list =
      PosixFileSystem().Read(fmt::format("/proc/{0}/task/{0}/children", pid), kMaxListBytes);
  if (!list.ok()) return children;
  for (const std::string_view word : SplitWords(*list)) {
    if (const auto id = ParseInt(word)) children.push_back(*id);
  }
  return children;
}

// By the state after the name in brackets, of /proc/PID/stat.
bool IsStopped(int64_t pid) {
  const Result<std::string> stat =
      PosixFileSystem().Read(fmt::format("/proc/{}/stat", pid), kMaxListBytes);
  if (!stat.ok()) return true;  // it has ended
  const size_t end = stat->rfind(") ");
  return end == std::string::npos || (*stat)[end + 2] == 'T';
}

int ProcessesBelow(int64_t pid) {
  int count = 0;
  const auto threads = PosixFileSystem().List(fmt::format("/proc/{}/task", pid)).value_or({});
  for (const std::string& thread : threads) {
    const Result<std::string> list = PosixFileSystem().Read(
        fmt::format("/proc/{}/task/{}/children", pid, thread), kMaxListBytes);
    if (list.ok()) count += static_cast<int>(SplitWords(*list).size());
  }
  return count;
}

}  // namespace

ModuleChild::~ModuleChild() {
  if (const Result<ModuleExit> exit = End(); !exit.ok())
    return;  // the host has gone, and it with it
}

Result<ModuleExit> ModuleChild::End() {
  if (channel_ == nullptr) return ModuleExit();
  channel_.reset();
  return host_->End(id_);
}

ModuleCensus ModuleChild::Census() const {
  return channel_ == nullptr ? ModuleCensus() : host_->Census();
}

bool ModuleChild::Pause(bool paused) const { return channel_ != nullptr && host_->Pause(paused); }

ModuleHost::ModuleHost(std::unique_ptr<SandboxProcess> process, UniqueFd socket,
                       ModuleDevice device, std::string executable, std::string filter)
    : process_(std::move(process)),
      channel_(std::move(socket)),
      device_(std::move(device)),
      executable_(std::move(executable)),
      filter_(std::move(filter)) {}

ModuleHost::~ModuleHost() = default;

Result<std::shared_ptr<ModuleHost>> ModuleHost::Launch(const Sandbox& sandbox,
                                                       const PythonEnvironment& python,
                                                       const ModuleDevice& device) {
  if (const std::string fault = TorchFault(python); !fault.empty()) {
    return Error{ErrorCode::kFailedPrecondition, fault};
  }
  KS_ASSIGN_OR_RETURN(std::string filter, ChildFilter());
  KS_ASSIGN_OR_RETURN(auto ends, NewModuleSocket());
  KS_ASSIGN_OR_RETURN(auto process, sandbox.Start(HostSpec(python, device, ends.second.get())));
  return std::shared_ptr<ModuleHost>(new ModuleHost(std::move(process), std::move(ends.first),
                                                    device, python.executable,
                                                    std::move(filter)));  // private
}

Status ModuleHost::AwaitReady(std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const auto answer, channel_.Receive(kStartTimeoutS, std::move(stop)));
  std::string problem = fmt::format("no answer in {} s", kStartTimeoutS);
  if (const auto* const text = std::get_if<std::string>(&answer)) {
    const Json greeting = Json::parse(*text, nullptr, false);
    if (greeting.is_object() && greeting.value("ready", false)) {
      torch_version_ = greeting.value("torch", "");
      triton_version_ = greeting.value("triton", "");
      return {};
    }
    problem = greeting.is_object() ? greeting.value("problem", "") : "it talks nonsense";
  } else if (!std::get<ModuleSilence>(answer).timed_out) {
    const Result<SandboxExit> exit = process_->Wait(2, {});
    problem = exit.ok() ? fmt::format("it ended; {}", Shorten(exit->err, 2000)) : "it ended";
  }
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("the Python with torch ({}) does not start: {}", executable_, problem)};
}

Result<std::shared_ptr<ModuleHost>> ModuleHost::Create(const Sandbox& sandbox,
                                                       const PythonEnvironment& python,
                                                       const ModuleDevice& device,
                                                       std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(std::shared_ptr<ModuleHost> host, Launch(sandbox, python, device));
  KS_RETURN_IF_ERROR(host->AwaitReady(std::move(stop)));
  return host;
}

Result<std::string> ModuleHost::AskHost(const std::string& message, std::span<const int> files,
                                        std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  KS_ASSIGN_OR_RETURN(auto answer, channel_.Ask(message, files, kHostTimeoutS, std::move(stop)));
  if (auto* const text = std::get_if<std::string>(&answer)) return std::move(*text);
  process_->Kill();
  return Error{ErrorCode::kUnavailable, "the Python with torch has ended"};
}

Result<std::unique_ptr<ModuleChild>> ModuleHost::Start(ModuleRole role, int64_t memory_bytes,
                                                       std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto ends, NewModuleSocket());
  // A CUDA context reserves more addresses than any limit would allow.
  const bool limited = memory_bytes > 0 && !device_.is_cuda();
  const bool reference = role == ModuleRole::kReference;
  const Json request = {{"op", "start"},
                        {"role", reference ? "reference" : "candidate"},
                        {"device", device_.name},
                        {"memory_bytes", limited ? memory_bytes + kBaseMemoryBytes : 0},
                        {"filter", device_.is_cuda() ? "" : filter_}};  // Triton starts compilers
  const int theirs = ends.second.get();
  KS_ASSIGN_OR_RETURN(const std::string text, AskHost(request.dump(), {&theirs, 1}, stop));
  const Json answer = Json::parse(text, nullptr, false);
  const int64_t id = answer.is_object() ? answer.value("started", int64_t{0}) : 0;
  if (id <= 0) return Error{ErrorCode::kUnavailable, "the Python with torch talks nonsense"};
  return std::make_unique<ModuleChild>(
      shared_from_this(), id,
      std::make_unique<ModuleChannel>(std::move(ends.first), /*takes_files=*/reference));
}

Result<ModuleExit> ModuleHost::End(int64_t child) {
  ModuleExit exit;
  const Json request = {{"op", "end"}, {"child", child}};
  KS_ASSIGN_OR_RETURN(const std::string text, AskHost(request.dump(), {}, {}));
  const Json answer = Json::parse(text, nullptr, false);
  if (!answer.is_object()) {
    return Error{ErrorCode::kUnavailable, "the Python with torch talks nonsense"};
  }
  exit.killed = answer.value("killed", false);
  exit.signal = answer.value("signal", 0);
  exit.code = answer.value("code", -1);
  exit.peak_rss_bytes = answer.value("peak_rss_bytes", int64_t{0});
  return exit;
}

bool ModuleHost::Pause(bool paused) const {
  const std::vector<int64_t> children = ChildrenOf(process_->pid());
  if (children.empty()) return false;
  const int64_t pid = children.front();
  if (kill(static_cast<pid_t>(pid), paused ? SIGSTOP : SIGCONT) != 0) return false;
  for (int look = 0; paused && look < kStopLooks && !IsStopped(pid); ++look) sched_yield();
  return true;
}

ModuleCensus ModuleHost::Census() const {
  const std::vector<int64_t> children = ChildrenOf(process_->pid());
  if (children.empty()) return {};
  // The eldest is the module; what it left without a parent stands behind it.
  const auto threads =
      PosixFileSystem().List(fmt::format("/proc/{}/task", children.front())).value_or({});
  return {static_cast<int>(threads.size()),
          static_cast<int>(children.size()) - 1 + ProcessesBelow(children.front())};
}

}  // namespace ks
