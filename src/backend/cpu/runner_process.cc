#include "backend/cpu/runner_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "backend/cpu/elf_image.h"
#include "backend/cpu/faults.h"
#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr double kLoadTimeoutS = 10;
constexpr int64_t kBaseAddressSpace = int64_t{64} << 20;  // libraries, stacks, control memory
constexpr int64_t kStackBytes = int64_t{16} << 20;
constexpr int64_t kShortestSliceNs = 500'000;
constexpr int64_t kLongestSliceNs = 20'000'000;
constexpr int64_t kBlockedWaitNs = 3'000'000;

// Libraries that a candidate may need; all are loaded before its own code.
constexpr std::array<std::string_view, 11> kLibraries = {
    "libc.so.6",    "libm.so.6",       "libmvec.so.1", "libstdc++.so.6", "libgcc_s.so.1",
    "libgomp.so.1", "libpthread.so.0", "libdl.so.2",   "libatomic.so.1", "ld-linux-x86-64.so.2",
    "libomp.so.5"};

int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

clockid_t CpuClockOf(pid_t pid) {
  clockid_t clock = {};
  return clock_getcpuclockid(pid, &clock) == 0 ? clock : CLOCK_MONOTONIC;
}

long Futex(uint32_t* word, int operation, uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, word, operation, value, timeout, nullptr, 0);
}

// Lays the control file out: header, tables, channel.
class ControlBuilder {
 public:
  ControlBuilder() { bytes_.resize(sizeof(ControlHeader)); }

  template <typename T>
  ControlTable Add(const std::vector<T>& items) {
    const size_t offset = (bytes_.size() + 63) / 64 * 64;
    bytes_.resize(offset + items.size() * sizeof(T));
    if (!items.empty()) std::memcpy(bytes_.data() + offset, items.data(), items.size() * sizeof(T));
    return {offset, items.size()};
  }

  void Finish(ControlHeader header) {
    header.channel_offset = (bytes_.size() + kChannelBytes - 1) / kChannelBytes * kChannelBytes;
    header.control_bytes = header.channel_offset + kChannelBytes;
    bytes_.resize(header.control_bytes);
    std::memcpy(bytes_.data(), &header, sizeof header);
    const RunnerChannel channel;
    std::memcpy(bytes_.data() + header.channel_offset, &channel, sizeof channel);
  }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

struct LibraryName {
  char text[kLibraryNameBytes] = {};
};

Result<std::variant<std::vector<LibraryName>, Outcome>> Libraries(const CompiledKernel& kernel) {
  using Answer = std::variant<std::vector<LibraryName>, Outcome>;
  const Result<ElfImage> image = ReadElfImage(kernel.binary);
  if (!image.ok()) return Answer(Outcome(LaunchFailed{image.error().message}));
  std::vector<LibraryName> names;
  for (const std::string& library : image->libraries) {
    if (std::find(kLibraries.begin(), kLibraries.end(), library) == kLibraries.end()) {
      return Answer(Outcome(Rejected{"library", "needs " + Shorten(library, 60)}));
    }
    LibraryName name;
    library.copy(name.text, kLibraryNameBytes - 1);
    names.push_back(name);
  }
  return Answer(std::move(names));
}

struct Control {
  UniqueFd file;
  SharedMapping map;
  size_t channel_offset = 0;
};

Result<Control> MakeControl(const KernelFilters& filters, const std::vector<LibraryName>& libraries,
                            const CpuArena& arena, int max_threads) {
  ControlBuilder builder;
  ControlHeader header;
  header.max_threads = static_cast<uint32_t>(max_threads);
  header.reserve_address = arena.reserve_address();
  header.reserve_bytes = arena.reserve_bytes();
  header.mappings = builder.Add(arena.Mappings());
  header.libraries = builder.Add(libraries);
  header.buffers = builder.Add(arena.BufferAddresses());
  header.axes = builder.Add(arena.axes());
  header.load_filter = builder.Add(filters.load);
  header.call_filter = builder.Add(filters.call);
  header.buffers_per_workload = arena.buffers_per_workload();
  header.axes_per_workload = arena.axes_per_workload();
  builder.Finish(header);
  Control control;
  const std::vector<char>& bytes = builder.bytes();
  control.channel_offset = bytes.size() - kChannelBytes;
  control.file.Reset(memfd_create("ks-control", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!control.file.valid() || pwrite(control.file.get(), bytes.data(), bytes.size(), 0) !=
                                   static_cast<ssize_t>(bytes.size())) {
    return ErrnoError(errno, "memory to talk with a runner");
  }
  // Else the candidate could truncate the file and kill this process with SIGBUS.
  fcntl(control.file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  KS_ASSIGN_OR_RETURN(control.map, SharedMapping::Map(control.file.get(), bytes.size()));
  return control;
}

SandboxSpec RunnerSpec(const RunnerParts& parts, const CompiledKernel& kernel,
                       const CpuArena& arena, const RunnerOptions& options,
                       const Control& control) {
  SandboxSpec spec;
  spec.argv = {"ksmith-runner"};
  spec.env = {fmt::format("OMP_NUM_THREADS={}", options.max_threads),
              fmt::format("OMP_THREAD_LIMIT={}", options.max_threads), "OMP_WAIT_POLICY=passive",
              "OMP_DYNAMIC=false", "LC_ALL=C"};
  spec.exec_fd = parts.executable.get();
  spec.files = {{kKernelPath, kernel.binary}};
  spec.fds = {control.file.get(), arena.inputs_fd(), arena.outputs_fd()};
  spec.limits.address_space_bytes =
      options.memory_limit_bytes + kBaseAddressSpace + static_cast<int64_t>(arena.reserve_bytes());
  spec.limits.processes = options.max_threads + 1;
  spec.limits.stack_bytes = kStackBytes;
  spec.limits.file_bytes = 1;
  if (options.core >= 0 && options.max_threads == 1) spec.cores = {options.core};
  spec.fixed_addresses = true;
  spec.profile = SeccompProfile::kRunner;
  return spec;
}

// State letter and number of threads of a /proc/PID/stat line; '?' when it cannot be read.
struct ThreadState {
  char state = '?';
  int threads = 1;
};
ThreadState ReadThreadState(int stat_file) {
  std::array<char, 512> text;
  const ssize_t n = pread(stat_file, text.data(), text.size(), 0);
  if (n <= 0) return {};
  const std::string_view line(text.data(), static_cast<size_t>(n));
  const size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return {};
  const auto words = SplitWords(line.substr(name_end + 1));
  if (words.size() < 18) return {};
  return {words[0][0], static_cast<int>(ParseInt(words[17]).value_or(1))};
}

}  // namespace

RunnerProcess::RunnerProcess(CpuArena& arena, const RunnerOptions& options, SharedMapping control,
                             size_t channel_offset, std::unique_ptr<SandboxProcess> process)
    : arena_(arena),
      max_threads_(options.max_threads),
      control_(std::move(control)),
      channel_offset_(channel_offset),
      process_(std::move(process)),
      cpu_clock_(CpuClockOf(process_->pid())),
      stat_file_(
          open(fmt::format("/proc/{}/stat", process_->pid()).c_str(), O_RDONLY | O_CLOEXEC)) {}

RunnerChannel& RunnerProcess::channel() const {
  return *reinterpret_cast<RunnerChannel*>(control_.data() + channel_offset_);
}

Result<RunnerProcess::Started> RunnerProcess::Start(const RunnerParts& parts,
                                                    const CompiledKernel& kernel, CpuArena& arena,
                                                    const RunnerOptions& options) {
  KS_ASSIGN_OR_RETURN(auto libraries, Libraries(kernel));
  if (auto* refused = std::get_if<Outcome>(&libraries)) return Started(std::move(*refused));
  const KernelFilters& filters = options.max_threads > 1 ? parts.threaded : parts.single;
  KS_ASSIGN_OR_RETURN(Control control,
                      MakeControl(filters, std::get<std::vector<LibraryName>>(libraries), arena,
                                  options.max_threads));
  KS_ASSIGN_OR_RETURN(auto process,
                      parts.sandbox->Start(RunnerSpec(parts, kernel, arena, options, control)));
  std::unique_ptr<RunnerProcess> self(new RunnerProcess(  // private constructor
      arena, options, std::move(control.map), control.channel_offset, std::move(process)));
  RunnerProcess& runner = *self;
  return runner.FinishStart(std::move(self));
}

Result<RunnerProcess::Started> RunnerProcess::FinishStart(std::unique_ptr<RunnerProcess> self) {
  const Waited waited = AwaitAnswer(1, kLoadTimeoutS, {});
  const RunnerState state = channel().state;
  if (waited == Waited::kAnswered && state == RunnerState::kReady) {
    AwaitBlocked();
    return Started(std::unique_ptr<KernelRunner>(std::move(self)));
  }
  std::array<char, sizeof(RunnerChannel::message)> message;
  std::memcpy(message.data(), channel().message, message.size());
  message.back() = '\0';
  if (waited == Waited::kAnswered && state == RunnerState::kLoadFailed) {
    return Started(Outcome(LaunchFailed{message.data()}));
  }
  if (state == RunnerState::kStarting || state == RunnerState::kSetUpFailed) {
    process_->Kill();
    KS_ASSIGN_OR_RETURN(const SandboxExit exit, process_->Wait(5, {}));
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the runner could not start: {} (status {}, signal {})",
                             message.data(), exit.code, exit.signal)};
  }
  KS_ASSIGN_OR_RETURN(Outcome outcome, FinishDead(waited, -1, kLoadTimeoutS));
  return Started(std::move(outcome));
}

RunnerProcess::Waited RunnerProcess::AwaitAnswer(uint32_t number, double timeout_s,
                                                 const std::stop_token& stop) const {
  uint32_t* const word = &channel().answer;
  const int64_t deadline = NowNs() + static_cast<int64_t>(std::clamp(timeout_s, 0.0, 1e6) * 1e9);
  int64_t slice = kShortestSliceNs;
  for (;;) {
    const uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (seen == number) return Waited::kAnswered;
    if (seen == kFaultAnswer || process_->HasEnded(0)) return Waited::kEnded;
    const int64_t left = deadline - NowNs();
    if (left <= 0) return Waited::kTimedOut;
    if (stop.stop_requested()) return Waited::kCancelled;
    const timespec wait = {0, std::min(left, slice)};
    Futex(word, FUTEX_WAIT, seen, &wait);
    slice = std::min(slice * 2, kLongestSliceNs);
  }
}

// Until the main thread sleeps: only then does the kernel's account of its CPU time hold
// everything. Returns the number of threads. A runner that goes on computing is not waited for
// long; what it burns then shows in TotalCpuNs.
int RunnerProcess::AwaitBlocked() const {
  const int64_t deadline = NowNs() + kBlockedWaitNs;
  for (;;) {
    const ThreadState state = ReadThreadState(stat_file_.get());
    if (state.state != 'R' || NowNs() > deadline) return state.threads;
  }
}

Result<Outcome> RunnerProcess::FinishDead(Waited waited, int workload, double limit_s) {
  dead_ = true;
  if (waited == Waited::kEnded) process_->HasEnded(2000);
  process_->Kill();
  RunnerEnd end;
  KS_ASSIGN_OR_RETURN(end.exit, process_->Wait(5, {}));
  if (waited == Waited::kCancelled) return Error{ErrorCode::kCancelled, "stopped during a call"};
  if (waited == Waited::kTimedOut) {
    return Outcome(TimedOut{workload < 0 ? "load" : "call", limit_s});
  }
  if (waited == Waited::kAnswered) {
    return Outcome(Rejected{"protocol", "answered before it was ready"});
  }
  end.fault = channel().fault;
  end.failed_request_bytes = channel().failed_request_bytes;
  end.workload = workload;
  return ExplainEnd(end, arena_);
}

Result<CallOutcome> RunnerProcess::Call(size_t workload, double timeout_s, std::stop_token stop) {
  KS_CHECK(workload < arena_.workloads());
  if (dead_) return Error{ErrorCode::kFailedPrecondition, "the runner has ended"};
  const Result<double> cpu_before = TotalCpuNs();
  ++last_;
  if (last_ == kFaultAnswer) last_ = 2;
  RunnerChannel& shared = channel();
  shared.workload = static_cast<uint32_t>(workload);
  const int64_t start = NowNs();
  __atomic_store_n(&shared.command, last_, __ATOMIC_SEQ_CST);
  Futex(&shared.command, FUTEX_WAKE, 1, nullptr);
  const Waited waited = AwaitAnswer(last_, timeout_s, stop);
  const int64_t end = NowNs();
  if (waited != Waited::kAnswered) {
    KS_ASSIGN_OR_RETURN(Outcome outcome, FinishDead(waited, static_cast<int>(workload), timeout_s));
    return CallOutcome(std::move(outcome));
  }
  CallTiming timing;
  timing.inside_ns = static_cast<double>(shared.inside_ns);
  timing.wall_ns = static_cast<double>(end - start);
  const int threads = AwaitBlocked();
  const Result<double> cpu_after = TotalCpuNs();
  if (!cpu_before.ok() || !cpu_after.ok()) {
    KS_ASSIGN_OR_RETURN(Outcome outcome,
                        FinishDead(Waited::kEnded, static_cast<int>(workload), timeout_s));
    return CallOutcome(std::move(outcome));
  }
  timing.cpu_ns = *cpu_after - *cpu_before;
  if (max_threads_ == 1 && threads > 1) {
    dead_ = true;
    process_->Kill();
    return CallOutcome(
        Outcome(Rejected{"threads", fmt::format("{} threads after a call", threads)}));
  }
  return CallOutcome(timing);
}

Result<double> RunnerProcess::TotalCpuNs() const {
  timespec used = {};
  if (dead_ || cpu_clock_ == CLOCK_MONOTONIC || clock_gettime(cpu_clock_, &used) != 0) {
    return Error{ErrorCode::kUnavailable, "the runner has ended"};
  }
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

}  // namespace ks
