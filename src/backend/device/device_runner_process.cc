#include "backend/device/device_runner_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "backend/device/device_runner_image.h"
#include "base/file.h"
#include "base/text.h"
#include "sandbox/trusted_child.h"

namespace ks {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kPlainTimeoutS = 60;
constexpr double kLoadTimeoutS = 60;
constexpr double kProbeTimeoutS = 10;
constexpr uint64_t kMaxAnswerBytes = uint64_t{64} << 20;
constexpr uint64_t kLeastStagingBytes = uint64_t{1} << 20;
constexpr uint64_t kSpanAlignment = 256;
constexpr int64_t kTmpBytes = int64_t{256} << 20;

SteadyClock::time_point DeadlineAfter(double seconds) {
  return SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                  std::chrono::duration<double>(std::clamp(seconds, 0.0, 1e6)));
}

int MsUntil(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left + 1, 0, 1'000'000));
}

// What a CPU driver of OpenCL needs: the list of drivers, the number of cores, and a private place
// for what its compiler makes.
SandboxSpec ConfinedSpec(const DeviceRunnerOptions& options, int executable) {
  SandboxSpec spec;
  spec.argv = {"/ksmith-device-runner"};
  spec.exec_fd = executable;
  spec.env = {"PATH=/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "POCL_CACHE_DIR=/tmp/pocl"};
  const PosixFileSystem files;
  for (const char* folder : {"/etc/OpenCL", "/sys/devices/system"}) {
    if (files.IsDir(folder)) spec.mounts.push_back({folder, folder, false});
  }
  spec.tmp_bytes = kTmpBytes;
  spec.tmp_executable = true;
  spec.limits.address_space_bytes = options.memory_limit_bytes;
  spec.limits.file_bytes = kTmpBytes;
  spec.limits.processes = 256;
  spec.limits.open_files = 256;
  spec.profile = SeccompProfile::kCompile;
  return spec;
}

}  // namespace

// This side of the memory file. It only grows, so that the runner cannot make our mapping fault.
struct DeviceRunnerProcess::Staging {
  UniqueFd file;
  std::byte* data = nullptr;
  uint64_t bytes = 0;

  ~Staging() {
    if (data != nullptr) munmap(data, bytes);
  }

  Status Create() {
    file.Reset(memfd_create("ksmith-staging", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file.valid()) return ErrnoError(errno, "memfd_create for device contents");
    if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
      return ErrnoError(errno, "sealing the memory for device contents");
    }
    return {};
  }

  Status Reserve(uint64_t wanted) {
    if (wanted <= bytes) return {};
    const uint64_t grown = std::max({wanted, kLeastStagingBytes, bytes * 3 / 2});
    const uint64_t rounded = (grown + 4095) / 4096 * 4096;
    if (ftruncate(file.get(), static_cast<off_t>(rounded)) != 0) {
      return ErrnoError(errno, fmt::format("{} of memory for device contents",
                                           FormatBytes(static_cast<double>(rounded))));
    }
    if (data != nullptr) munmap(data, bytes);
    void* const memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    data = memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
    bytes = data == nullptr ? 0 : rounded;
    if (data != nullptr) return {};
    return Error{ErrorCode::kResourceExhausted, "mapping the memory for device contents"};
  }

  // Room for pieces of these sizes, one after the other.
  Result<std::vector<StagingSpan>> Place(const std::vector<uint64_t>& sizes) {
    std::vector<StagingSpan> spans;
    uint64_t end = 0;
    for (const uint64_t size : sizes) {
      spans.push_back({end, size});
      end = (end + size + kSpanAlignment - 1) / kSpanAlignment * kSpanAlignment;
    }
    KS_RETURN_IF_ERROR(Reserve(end));
    return spans;
  }
};

DeviceRunnerProcess::DeviceRunnerProcess() : staging_(std::make_unique<Staging>()) {}
DeviceRunnerProcess::~DeviceRunnerProcess() = default;

Status DeviceRunnerProcess::Spawn(const DeviceRunnerOptions& options) {
  KS_CHECK((options.sandbox != nullptr) || (options.thread != nullptr));
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return ErrnoError(errno, "socketpair for a device runner");
  }
  socket_.Reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  const timeval patience = {10, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  KS_RETURN_IF_ERROR(staging_->Create());
  KS_ASSIGN_OR_RETURN(const UniqueFd executable, NewDeviceRunnerFile());
  sandboxed_ = options.sandbox != nullptr;
  if (sandboxed_) {
    SandboxSpec spec = ConfinedSpec(options, executable.get());
    spec.fds = {theirs.get(), staging_->file.get()};
    KS_ASSIGN_OR_RETURN(process_, options.sandbox->Start(spec));
    return {};
  }
  TrustedSpec spec;
  spec.exec_fd = executable.get();
  spec.argv = {"ksmith-device-runner"};
  spec.env = options.env;
  spec.env.emplace_back("CUDA_MODULE_LOADING=EAGER");  // not inside the first timed call
  UniqueFd shell;
  if (!options.started_by.empty()) {
    // Such a program may be a script, which only its path can start.
    shell.Reset(open("/bin/sh", O_RDONLY | O_CLOEXEC));
    if (!shell.valid()) return ErrnoError(errno, "/bin/sh");
    spec.exec_fd = shell.get();
    spec.argv = {"sh", "-c", "exec \"$@\"", "sh"};
    spec.argv.insert(spec.argv.end(), options.started_by.begin(), options.started_by.end());
    spec.env.emplace_back("PATH=/usr/bin:/bin");
  }
  spec.fds = {theirs.get(), staging_->file.get()};
  KS_ASSIGN_OR_RETURN(process_, StartTrusted(spec, *options.thread));
  return {};
}

Result<std::unique_ptr<DeviceRunnerProcess>> DeviceRunnerProcess::Start(
    const DeviceRunnerOptions& options, std::stop_token stop) {
  return Open(options, false, stop);
}

Result<DeviceInfo> DeviceRunnerProcess::Describe(const DeviceRunnerOptions& options,
                                                 std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const auto process, Open(options, true, stop));
  return process->info();
}

Result<std::unique_ptr<DeviceRunnerProcess>> DeviceRunnerProcess::Open(
    const DeviceRunnerOptions& options, bool describe_only, const std::stop_token& stop) {
  std::unique_ptr<DeviceRunnerProcess> self(new DeviceRunnerProcess());  // private constructor
  KS_RETURN_IF_ERROR(self->Spawn(options));
  const OpenRequest request = {options.api, static_cast<uint32_t>(options.index),
                               options.compiler_path, options.helper_image, describe_only};
  KS_ASSIGN_OR_RETURN(
      const std::string answer,
      self->AskPlain(DeviceCommand::kOpen, Encode(request), options.start_timeout_s, stop));
  KS_RETURN_IF_ERROR(Decode(answer, &self->opened_));
  return self;
}

Result<Frame> DeviceRunnerProcess::Receive(double timeout_s, const std::stop_token& stop) {
  const auto deadline = DeadlineAfter(timeout_s);
  const UniqueFd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] { eventfd_write(stop_event.get(), 1); });
  FrameHeader header;
  std::string bytes(sizeof header, '\0');
  size_t have = 0;
  for (;;) {
    std::array<pollfd, 2> wanted = {{{socket_.get(), POLLIN, 0}, {stop_event.get(), POLLIN, 0}}};
    poll(wanted.data(), wanted.size(), MsUntil(deadline));
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    const ssize_t n = recv(socket_.get(), bytes.data() + have, bytes.size() - have, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      return Error{ErrorCode::kUnavailable, "the device runner has gone"};
    }
    have += static_cast<size_t>(std::max<ssize_t>(n, 0));
    if (n > 0 && have == sizeof header) {
      std::memcpy(&header, bytes.data(), sizeof header);
      if (header.version != kDeviceProtocolVersion || header.bytes > kMaxAnswerBytes) {
        return Error{ErrorCode::kDataLoss, "an answer of another version or an absurd length"};
      }
      bytes.resize(sizeof header + header.bytes);
    }
    if (have == bytes.size() && have >= sizeof header) {
      return Frame{header.what, bytes.substr(sizeof header)};
    }
    if (SteadyClock::now() >= deadline) {
      return Error{ErrorCode::kResourceExhausted, "the time limit has passed"};
    }
  }
}

DeviceResult<std::string> DeviceRunnerProcess::Ask(const Request& request,
                                                   const std::stop_token& stop) {
  using Answer = std::variant<std::string, Outcome>;
  if (dead_) return Error{ErrorCode::kUnavailable, "the device runner has ended"};
  const Status sent =
      WriteFrame(socket_.get(), static_cast<uint32_t>(request.command), request.payload);
  if (!sent.ok()) return FinishDead(request, sent.error());
  Result<Frame> frame = Receive(request.timeout_s, stop);
  if (!frame.ok()) return FinishDead(request, frame.error());
  switch (static_cast<AnswerKind>(frame->what)) {
    case AnswerKind::kDone:
      return Answer(std::move(frame->payload));
    case AnswerKind::kFault: {
      Outcome outcome;
      const Status status = Decode(frame->payload, &outcome);
      if (!status.ok() || !request.runs_candidate) break;
      // After a stray write or a fault nothing on the device can be relied on.
      dead_ = !std::holds_alternative<LaunchFailed>(outcome) &&
              !std::holds_alternative<CompileFailed>(outcome);
      if (dead_) process_->Kill();
      return Answer(std::move(outcome));
    }
    case AnswerKind::kError: {
      Error error;
      const Status status = Decode(frame->payload, &error);
      if (status.ok()) return error;
      break;
    }
  }
  return FinishDead(request, {ErrorCode::kDataLoss, "an answer that does not fit its question"});
}

// The process ended, stays silent or talks nonsense: kills it and says what that means.
DeviceResult<std::string> DeviceRunnerProcess::FinishDead(const Request& request,
                                                          const Error& error) {
  using Answer = std::variant<std::string, Outcome>;
  dead_ = true;
  const bool by_itself = error.code == ErrorCode::kUnavailable && process_->HasEnded(2000);
  process_->Kill();
  KS_ASSIGN_OR_RETURN(const SandboxExit exit, process_->Wait(5, {}));
  if (error.code == ErrorCode::kCancelled) return error;
  const bool timed_out = error.code == ErrorCode::kResourceExhausted;
  if (!request.runs_candidate) {
    return Error{ErrorCode::kUnavailable,
                 timed_out
                     ? fmt::format("the device runner did not answer in {} s", request.timeout_s)
                     : fmt::format("the device runner ended (exit code {}, signal {})", exit.code,
                                   exit.signal)};
  }
  if (timed_out) return Answer(Outcome(TimedOut{request.stage, request.timeout_s}));
  if (error.code == ErrorCode::kDataLoss) {
    return Answer(Outcome(Rejected{"protocol", error.message}));
  }
  if (by_itself && exit.signal == SIGKILL) return Answer(Outcome(OutOfMemory{request.stage, 0}));
  const std::string workload = request.workload < task_.workloads.size()
                                   ? task_.workloads[request.workload].name
                                   : std::string();
  return Answer(Outcome(
      Crashed{workload, exit.signal,
              exit.signal != 0 ? fmt::format("the device process ended by signal {}", exit.signal)
                               : fmt::format("the device process ended with code {}", exit.code)}));
}

Result<std::string> DeviceRunnerProcess::AskPlain(DeviceCommand command, std::string payload,
                                                  double timeout_s, const std::stop_token& stop) {
  Request request;
  request.command = command;
  request.payload = std::move(payload);
  request.timeout_s = timeout_s;
  KS_ASSIGN_OR_RETURN(auto answer, Ask(request, stop));
  return std::move(*std::get_if<std::string>(&answer));
}

Status DeviceRunnerProcess::End(double timeout_s) {
  dead_ = true;
  socket_.Reset();
  const Result<SandboxExit> exit = process_->Wait(timeout_s, {});
  if (exit.ok()) return {};
  process_->Kill();
  return Error{ErrorCode::kUnavailable,
               fmt::format("the device runner did not end in {} s", timeout_s)};
}

// A runner that garbles its answers is of no more use.
Error DeviceRunnerProcess::Garbled(const Error& error) {
  dead_ = true;
  process_->Kill();
  return {ErrorCode::kUnavailable, error.message};
}

Status DeviceRunnerProcess::OpenTask(const Task& task) {
  KS_ASSIGN_OR_RETURN(TaskLayout layout, LayoutOf(task));
  contents_.clear();
  KS_RETURN_IF_ERROR(AskPlain(DeviceCommand::kOpenTask, Encode(layout), kPlainTimeoutS));
  task_ = task;
  layout_ = std::move(layout);
  return {};
}

Status DeviceRunnerProcess::SetContents(size_t workload, uint64_t placement,
                                        std::span<const Bytes> inputs) {
  KS_CHECK(workload < layout_.workloads.size() && inputs.size() == layout_.inputs.size());
  std::vector<uint64_t> sizes;
  for (const Bytes& input : inputs) sizes.push_back(input.size());
  ContentsRequest request;
  request.workload = static_cast<uint32_t>(workload);
  request.placement = placement;
  KS_ASSIGN_OR_RETURN(request.inputs, staging_->Place(sizes));
  request.staging_bytes = staging_->bytes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (sizes[i] == 0) continue;
    std::memcpy(staging_->data + request.inputs[i].offset, inputs[i].data(), sizes[i]);
  }
  contents_.erase(workload);
  KS_RETURN_IF_ERROR(AskPlain(DeviceCommand::kSetContents, Encode(request), kPlainTimeoutS));
  contents_.insert(workload);
  return {};
}

void DeviceRunnerProcess::DropContents(size_t workload) {
  if (contents_.erase(workload) == 0) return;
  // When it fails the runner is dead, and the next command says so.
  (void)AskPlain(DeviceCommand::kDropContents, EncodeNumber(static_cast<double>(workload)),
                 kPlainTimeoutS);
}

DeviceResult<LoadedProgram> DeviceRunnerProcess::Load(const CompiledKernel& kernel,
                                                      std::stop_token stop) {
  using Answer = std::variant<LoadedProgram, Outcome>;
  Request request;
  request.command = DeviceCommand::kLoad;
  request.payload = kernel.binary;
  request.timeout_s = kLoadTimeoutS;
  request.stage = "compile";
  request.workload = task_.workloads.size();
  request.runs_candidate = true;
  has_loaded_ = true;
  KS_ASSIGN_OR_RETURN(auto answer, Ask(request, stop));
  if (auto* fault = std::get_if<Outcome>(&answer)) return Answer(std::move(*fault));
  LoadedProgram loaded;
  if (kernel.device) loaded.features = *kernel.device;
  const Status status = Decode(*std::get_if<std::string>(&answer), &loaded);
  if (!status.ok()) return Garbled(status.error());
  return Answer(loaded);
}

Status DeviceRunnerProcess::Unload(int program) {
  KS_RETURN_IF_ERROR(AskPlain(DeviceCommand::kUnload, EncodeNumber(program), kPlainTimeoutS));
  return {};
}

DeviceResult<DeviceCall> DeviceRunnerProcess::Call(int program, size_t workload, uint64_t salt,
                                                   double timeout_s, std::stop_token stop) {
  using Answer = std::variant<DeviceCall, Outcome>;
  KS_CHECK(workload < layout_.workloads.size());
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < layout_.outputs.size(); ++i) {
    sizes.push_back(layout_.workloads[workload].output_counts[i] *
                    SizeOf(layout_.outputs[i].dtype));
  }
  CallRequest call;
  call.program = program;
  call.workload = static_cast<uint32_t>(workload);
  call.salt = salt;
  KS_ASSIGN_OR_RETURN(call.outputs, staging_->Place(sizes));
  call.staging_bytes = staging_->bytes;
  Request request = {DeviceCommand::kCall, Encode(call), timeout_s, "check", workload, true};
  KS_ASSIGN_OR_RETURN(auto answer, Ask(request, stop));
  if (auto* fault = std::get_if<Outcome>(&answer)) return Answer(std::move(*fault));
  const Result<double> ns = DecodeNumber(*std::get_if<std::string>(&answer));
  if (!ns.ok()) return Garbled(ns.error());
  DeviceCall result;
  result.device_ns = *ns;
  for (const StagingSpan& span : call.outputs) {
    const std::byte* const begin = staging_->data + span.offset;
    result.outputs.emplace_back(begin, begin + span.bytes);
  }
  return Answer(std::move(result));
}

DeviceResult<PairRound> DeviceRunnerProcess::TimePairs(const PairRequest& pairs,
                                                       std::stop_token stop) {
  using Answer = std::variant<PairRound, Outcome>;
  Request request = {DeviceCommand::kTimePairs,
                     Encode(PairsMessage{pairs, {}}),
                     pairs.timeout_s,
                     "time",
                     pairs.workload,
                     true};
  const auto start = SteadyClock::now();
  KS_ASSIGN_OR_RETURN(auto answer, Ask(request, stop));
  const auto wall = SteadyClock::now() - start;
  if (auto* fault = std::get_if<Outcome>(&answer)) return Answer(std::move(*fault));
  PairRound round;
  const Status status = Decode(*std::get_if<std::string>(&answer), &round);
  if (!status.ok()) return Garbled(status.error());
  if (round.pairs.size() != static_cast<size_t>(std::max(pairs.pairs, 0))) {
    return Garbled({ErrorCode::kDataLoss, "another number of pairs than was asked for"});
  }
  round.wall_ns = std::chrono::duration<double, std::nano>(wall).count();
  return Answer(std::move(round));
}

DeviceResult<Agreement> DeviceRunnerProcess::Compare(const PairRequest& pairs,
                                                     const Tolerance& tolerance,
                                                     std::stop_token stop) {
  using Answer = std::variant<Agreement, Outcome>;
  Request request = {DeviceCommand::kCompare, Encode(PairsMessage{pairs, tolerance}),
                     pairs.timeout_s,         "time",
                     pairs.workload,          true};
  KS_ASSIGN_OR_RETURN(auto answer, Ask(request, stop));
  if (auto* fault = std::get_if<Outcome>(&answer)) return Answer(std::move(*fault));
  Agreement agreement;
  const Status status = Decode(*std::get_if<std::string>(&answer), &agreement);
  if (!status.ok()) return Garbled(status.error());
  if (agreement.outputs.size() != layout_.outputs.size()) {
    return Garbled({ErrorCode::kDataLoss, "another number of outputs than the task has"});
  }
  return Answer(std::move(agreement));
}

bool DeviceRunnerProcess::IsHealthy(std::stop_token stop) {
  if (dead_) return false;
  const Result<std::string> answer = AskPlain(DeviceCommand::kProbe, "", kProbeTimeoutS, stop);
  if (!answer.ok()) return false;
  const Result<double> healthy = DecodeNumber(*answer);
  return healthy.ok() && *healthy == 1;
}

Result<double> DeviceRunnerProcess::MeasureCopyGbytes(std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const std::string answer,
                      AskPlain(DeviceCommand::kMeasureCopy, "", kPlainTimeoutS, stop));
  return DecodeNumber(answer);
}

}  // namespace ks
